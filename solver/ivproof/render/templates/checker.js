"use strict";
// Starts the second engine from what the folder carries, and shows its verdict on what is dropped.
(() => {
  const at = (id) => document.getElementById(id);
  const bytesOf = (name) => Uint8Array.from(atob(globalThis.carried[name]), (it) => it.charCodeAt(0));
  const addressOf = (name, type) => URL.createObjectURL(new Blob([bytesOf(name)], { type }));
  const words = { accepted: "Accepted", rejected: "Rejected", undecided: "Not decided", fault: "The checker failed" };

  async function start() {
    const wasm = "pyodide.asm.wasm";
    const plain = globalThis.fetch;
    // the one file that is asked for by its name; a page from a disk may not fetch its neighbours
    globalThis.fetch = (asked, ...rest) =>
      String(asked.url ?? asked).endsWith(wasm)
        ? Promise.resolve(new Response(bytesOf(wasm), { headers: { "Content-Type": "application/wasm" } }))
        : plain(asked, ...rest);
    const made = await import(addressOf("pyodide.asm.mjs", "text/javascript"));
    const python = await loadPyodide({
      indexURL: new URL("./", location.href).href,
      createPyodideModule: made.default,
      lockFileContents: new TextDecoder().decode(bytesOf("pyodide-lock.json")),
      stdLibURL: addressOf("python_stdlib.zip", "application/zip"),
      packageBaseUrl: "./",
    });
    python.unpackArchive(bytesOf("ivproof.zip"), "zip", { extractDir: "/checker" });
    globalThis.carried = {};
    return python.runPython(`
import sys
sys.path.insert(0, "/checker")
from ivproof.formats.yaml_as_json import NoYamlError, as_json
from ivproof.recheck.telling import verdict_on
def of_page(proof, chart, embedded):
    about = None if chart is None else chart.to_bytes()
    if about is not None and about.lstrip()[:1] not in (b"{", b"["):
        try:
            about = as_json(about)
        except NoYamlError as error:
            return "rejected", f"the chart cannot be read as YAML: {error}"
    return verdict_on(proof.to_bytes(), about, embedded=embedded)
of_page`);
  }

  let given = {};
  let number = 0;
  async function check(verdictOn) {
    if (!given.proof) return;
    const mine = ++number;
    at("state").textContent = "Checking …";
    at("verdict").textContent = "";
    at("told").hidden = true;
    await new Promise((done) => setTimeout(done, 30)); // so that the words above are seen
    if (mine !== number) return;
    const found = verdictOn(given.proof, given.chart ?? undefined, at("embedded").checked);
    const [word, told] = found.toJs();
    found.destroy();
    at("state").textContent = given.chart ? "Checked, with the chart." : "Checked; no chart to compare with.";
    at("verdict").textContent = words[word] ?? word;
    at("verdict").dataset.verdict = word;
    at("told").textContent = told;
    at("told").hidden = false;
  }

  const read = async (file) => new Uint8Array(await file.arrayBuffer());
  const isProof = (bytes) => /"format"\s*:\s*"ivproof proof"/.test(new TextDecoder().decode(bytes));

  start().then((verdictOn) => {
    const again = () => check(verdictOn).catch(failed);
    for (const name of ["proof", "chart"]) {
      at(name).addEventListener("change", async (event) => {
        const [file] = event.target.files;
        given[name] = file ? await read(file) : null;
        again();
      });
    }
    at("embedded").addEventListener("change", again);
    document.addEventListener("dragover", (event) => { event.preventDefault(); at("drop").classList.add("over"); });
    document.addEventListener("dragleave", () => at("drop").classList.remove("over"));
    document.addEventListener("drop", async (event) => {
      event.preventDefault();
      at("drop").classList.remove("over");
      for (const file of event.dataTransfer.files) {
        const bytes = await read(file);
        given[isProof(bytes) || event.dataTransfer.files.length === 1 && !given.proof ? "proof" : "chart"] = bytes;
      }
      again();
    });
    at("state").textContent = "Ready.";
    document.body.dataset.ready = "true";
  }).catch(failed);

  function failed(error) {
    at("state").textContent = `This browser could not run the checker: ${error.message ?? error}`;
    document.body.dataset.failed = "true";
  }
})();
