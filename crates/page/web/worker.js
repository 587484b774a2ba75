// Runs bea beside the page, one request at a time.
"use strict";

const module = fetch("bea.wasm")
  .then(answer => {
    if (!answer.ok) throw new Error(`bea.wasm: ${answer.status} ${answer.statusText}`);
    return answer.arrayBuffer();
  })
  .then(bytes => WebAssembly.compile(bytes));

let bea = null;

function text(at) {
  return new TextDecoder().decode(new Uint8Array(bea.memory.buffer, at, bea.length()));
}

function respond(request) {
  const bytes = new TextEncoder().encode(JSON.stringify(request));
  const at = bea.reserve(bytes.length);
  new Uint8Array(bea.memory.buffer, at, bytes.length).set(bytes);
  try {
    return JSON.parse(text(bea.respond()));
  } catch (error) {
    // The module has stopped: at a bound, without memory, or at a fault of its own. The next request gets a new one.
    const why = text(bea.reason());
    bea = null;
    return {fault: why
      ? {message: `bea failed: ${why}`, help: "please report it with the text that you gave"}
      : {message: "this takes too long, or more memory than a page has",
         help: "lower the order, or give parameters values; the command derives more than a page can"}};
  }
}

self.onmessage = async ({data: {number, request}}) => {
  let answer;
  const start = performance.now();
  try {
    bea ??= (await WebAssembly.instantiate(await module, {})).exports;
    answer = respond(request);
  } catch (error) {
    answer = {fault: {message: `bea does not start: ${error.message}`}};
  }
  self.postMessage({number, answer, milliseconds: performance.now() - start});
};
