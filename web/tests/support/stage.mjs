// What most test files need: the whole product, and one browser for its viewers. Both are started
// before the file's first test and gone after its last, whatever came of them.
import { after, before } from "node:test";
import { launch, Viewer } from "./browser.mjs";
import { startAll } from "./product.mjs";

/** The stage of one test file. `environment` is the product's, beside this process's own. */
export function setStage(environment) {
  let product;
  let browser;
  before(async () => {
    product = await startAll(environment);
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await product?.stop();
  });
  return {
    /** What the product has logged of late. */
    log: () => product.log,

    /** A viewer of the page; `options` are those of `Viewer.open`. A failing wait tells what the
     * product has logged, and `others` that take part in the test. */
    viewer(name, options = {}, others = []) {
      return Viewer.open(browser, name, [product, ...others], options);
    },
  };
}
