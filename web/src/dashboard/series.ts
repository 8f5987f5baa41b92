// The last hour in figures: what the node sent when the page came, and a row a second behind that.
// It has a fixed size, so a page that is open for weeks takes no more memory than one of an hour.
import { columnsOf, type Hello, type Tick } from "./messages";

const ROWS_MAX = 3600;

export type Figure = number | null;

export class Series {
  #names: string[] = [];
  #columns: Figure[][] = [];
  #number = 0;
  #stepS = 1;
  #newestAtS = 0;

  /** Begins anew, with what the node remembers. */
  begin(hello: Hello): void {
    this.#names = hello.columns;
    this.#columns = hello.columns.map(() => []);
    this.#number = hello.number;
    this.#stepS = hello.tickMs / 1000;
    this.#newestAtS = Date.now() / 1000;
  }

  takeHistory(bytes: ArrayBuffer, rows: number): void {
    const columns = columnsOf(bytes, rows);
    this.#columns = this.#names.map((_, index) => columns[index] ?? []);
  }

  /** Adds a tick's row; those that were dropped before it stay unknown. */
  push({ number, atMs, row }: Tick): void {
    this.#newestAtS = atMs / 1000;
    const missed = Math.min(number - this.#number - 1, ROWS_MAX);
    for (let i = 0; i < missed; i += 1) this.#add([]);
    // The tick of a greeting is the newest sample of its history.
    if (number > this.#number) this.#add(row);
    this.#number = number;
  }

  #add(row: Figure[]): void {
    for (const [index, column] of this.#columns.entries()) {
      column.push(row[index] ?? null);
      if (column.length > ROWS_MAX) column.shift();
    }
  }

  /** The last figures of a column, as many as there are of `seconds`. */
  last(name: string, seconds: number): Figure[] {
    const column = this.#columns[this.#names.indexOf(name)] ?? [];
    return column.slice(-Math.ceil(seconds / this.#stepS));
  }

  /** The newest figure of a column. */
  now(name: string): Figure {
    return this.#columns[this.#names.indexOf(name)]?.at(-1) ?? null;
  }

  /** When each of the last `count` samples was, in seconds since 1970. */
  times(count: number): number[] {
    const first = this.#newestAtS - (count - 1) * this.#stepS;
    return Array.from({ length: count }, (_, index) => first + index * this.#stepS);
  }

  /** The mean of what is known in a column of `seconds`, which end `secondsAgo`. */
  mean(name: string, seconds: number, secondsAgo: number): Figure {
    const column = this.#columns[this.#names.indexOf(name)] ?? [];
    const end = column.length - Math.round(secondsAgo / this.#stepS);
    const begin = end - Math.round(seconds / this.#stepS);
    const part = column.slice(Math.max(0, begin), Math.max(0, end));
    const known = part.filter((figure) => figure !== null);
    if (known.length === 0) return null;
    return known.reduce((sum, figure) => sum + figure, 0) / known.length;
  }
}
