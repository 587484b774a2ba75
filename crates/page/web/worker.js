// Runs bea beside the page, one request at a time.
"use strict";

let module = null, bea = null;

function load() {
  return fetch("bea.wasm")
    .then(answer => {
      if (!answer.ok) throw new Error(`bea.wasm: ${answer.status} ${answer.statusText}`);
      return answer.arrayBuffer();
    })
    .then(bytes => WebAssembly.compile(bytes));
}

function text(at) {
  return new TextDecoder().decode(new Uint8Array(bea.memory.buffer, at, bea.length()));
}

function respond(request) {
  const bytes = new TextEncoder().encode(JSON.stringify(request));
  try {
    const at = bea.reserve(bytes.length);
    new Uint8Array(bea.memory.buffer, at, bytes.length).set(bytes);
    return JSON.parse(text(bea.respond()));
  } catch {
    // The module has stopped: at a bound, without memory, or at a fault of its own. The next request gets a new one.
    let why = "";
    try {
      why = text(bea.reason());
    } catch {
      // It has not even the memory to say so.
    } finally {
      bea = null;
    }
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
    bea ??= (await WebAssembly.instantiate(await (module ??= load()), {})).exports;
    answer = respond(request);
  } catch (error) {
    // The next request tries to load it again.
    module = null;
    answer = {fault: {message: `bea does not start: ${error.message}`}};
  }
  self.postMessage({number, answer, milliseconds: performance.now() - start});
};
