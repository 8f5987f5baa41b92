// A table that is filled again and again: rows are kept by their key and cells are written only
// when they say something else, so that a reader's place, and a selection, survive a tick.

export interface Row {
  key: string;
  cells: (string | Cell)[];
}

interface Cell {
  text: string;
  /** What the style sheet makes of it. */
  kind?: string;
  title?: string;
  /** A bar behind the text, 0 to 1. */
  share?: number;
}

export interface Options {
  caption?: string;
  /** What stands there when there is no row. */
  none?: string;
}

/** Writes heads and rows. The first cell of each row is its head. */
export function fillTable(
  table: HTMLTableElement,
  heads: string[],
  rows: Row[],
  options: Options = {},
): void {
  const head = table.tHead ?? table.createTHead();
  const body = table.tBodies[0] ?? table.createTBody();
  if (options.caption !== undefined) write(table.caption ?? table.createCaption(), options.caption);
  const top = head.rows[0] ?? head.insertRow();
  trim(top, heads.length);
  for (const [index, text] of heads.entries()) {
    write(cellAt(top, index, () => headCell("col")), text);
  }
  const isEmpty = rows.length === 0;
  const shown = isEmpty ? [{ key: "", cells: [options.none ?? "none"] }] : rows;
  const old = new Map([...body.rows].map((row) => [row.dataset["key"], row]));
  const kept = shown.map(({ key, cells }) => {
    const row = old.get(key) ?? document.createElement("tr");
    row.dataset["key"] = key;
    fillRow(row, cells, isEmpty ? heads.length : 1);
    return row;
  });
  // Moving a row that is in its place already would lose the focus in it.
  if (kept.length !== body.rows.length || kept.some((row, index) => body.rows[index] !== row)) {
    body.replaceChildren(...kept);
  }
}

function fillRow(row: HTMLTableRowElement, cells: (string | Cell)[], span: number): void {
  trim(row, cells.length);
  for (const [index, content] of cells.entries()) {
    const { text, kind = "", title = "", share } =
      typeof content === "string" ? ({ text: content } as Cell) : content;
    const make = () => (index === 0 ? headCell("row") : document.createElement("td"));
    const cell = cellAt(row, index, make);
    if (cell.colSpan !== span) cell.colSpan = span;
    if (cell.title !== title) cell.title = title;
    if ((cell.dataset["kind"] ?? "") !== kind) cell.dataset["kind"] = kind;
    write(cell, text);
    if (share !== undefined) {
      cell.classList.add("bar");
      cell.style.setProperty("--share", `${Math.round(Math.min(1, Math.max(0, share)) * 100)}%`);
    }
  }
}

function trim(row: HTMLTableRowElement, length: number): void {
  while (row.cells.length > length) row.deleteCell(-1);
}

function cellAt(row: HTMLTableRowElement, index: number, make: () => HTMLTableCellElement) {
  return row.cells[index] ?? row.appendChild(make());
}

function headCell(scope: "col" | "row"): HTMLTableCellElement {
  const cell = document.createElement("th");
  cell.scope = scope;
  return cell;
}

function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
