// The page: what is asked for, what is shown, and the address that holds both.
"use strict";

const $ = id => document.getElementById(id);

// What bea is asked, in a worker that is replaced when it is given up.
const bea = {
  worker: null, number: 0, waiting: new Map(),
  ask(request) {
    this.worker ??= this.start();
    const number = ++this.number;
    return new Promise((resolve, reject) => {
      this.waiting.set(number, {resolve, reject});
      this.worker.postMessage({number, request});
    });
  },
  start() {
    const worker = new Worker("worker.js");
    worker.onmessage = ({data}) => {
      this.waiting.get(data.number)?.resolve({...data.answer, milliseconds: data.milliseconds});
      this.waiting.delete(data.number);
    };
    // The next request gets another worker.
    worker.onerror = event => this.stop(({resolve}) => resolve({fault: {message: event.message || "the worker does not start"}}));
    return worker;
  },
  // Gives up what is under way.
  cancel() {
    if (this.waiting.size > 0) this.stop(({reject}) => reject(new Cancelled()));
  },
  stop(settle) {
    this.worker.terminate();
    this.worker = null;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    waiting.forEach(settle);
  },
};
class Cancelled extends Error {}

const FORMATS = [["html", "Typeset"], ["tex", "LaTeX"], ["py", "SymPy"], ["typ", "Typst"], ["m", "Mathematica"],
  ["md", "Markdown"], ["txt", "Text"], ["json", "JSON"]];
const CLAIMS = `# Write what your paper says; bea derives both sides, and compares them term by term.
claim "implicit gradient regularisation": field(gradient_descent, 1) == -g - h/2*H*g
claim "its modified loss": field(gradient_descent, 1) == -grad(E + h/4*|g|^2)
claim "a factor too much": field(heavy_ball, 0) == -2*g/(1-m)
`;

// A text area whose fault is underlined, and explained under it as on the command line.
class Editor {
  constructor(area, fault) {
    [this.area, this.fault] = [area, fault];
    this.under = area.previousElementSibling;
    area.addEventListener("scroll", () => { this.under.scrollTop = area.scrollTop; });
    area.addEventListener("input", () => this.show(null));
  }
  show(fault) {
    this.under.replaceChildren();
    this.fault.replaceChildren();
    this.fault.hidden = !fault;
    this.area.toggleAttribute("aria-invalid", Boolean(fault));
    if (!fault) return;
    const say = (tag, text) => { const e = document.createElement(tag); e.textContent = text; this.fault.append(e); return e; };
    say("strong", fault.message);
    if (fault.start !== undefined) {
      const text = this.area.value, end = Math.max(fault.end, fault.start + 1);
      const mark = document.createElement("mark");
      mark.textContent = text.slice(fault.start, end) || " ";
      this.under.append(text.slice(0, fault.start), mark, text.slice(end));
      this.under.scrollTop = this.area.scrollTop;
      const from = text.lastIndexOf("\n", fault.start - 1) + 1;
      const to = text.indexOf("\n", fault.start) < 0 ? text.length : text.indexOf("\n", fault.start);
      const line = text.slice(0, fault.start).split("\n").length, column = fault.start - from;
      const width = Math.max(1, Math.min(end, to) - fault.start);
      const place = say("pre", `line ${line}, column ${column + 1}\n${text.slice(from, to)}\n`);
      const caret = document.createElement("span");
      caret.className = "caret";
      caret.textContent = " ".repeat(column) + "^".repeat(width) + " " + fault.label;
      place.append(caret);
    }
    if (fault.help) say("div", `help: ${fault.help}`);
  }
}

// What takes longer than a moment says how long it has taken, and can be given up.
class Work {
  constructor(status, cancel) {
    [this.status, this.button] = [status, cancel];
    cancel.addEventListener("click", () => { bea.cancel(); this.end("cancelled"); });
  }
  begin(said) {
    [this.started, this.said] = [performance.now(), said];
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      const seconds = (performance.now() - this.started) / 1000;
      this.button.hidden = false;
      this.status.textContent = `${this.said} (${seconds.toFixed(0)} s)`;
    }, 500);
  }
  end(said) {
    clearInterval(this.timer);
    this.button.hidden = true;
    this.status.textContent = said;
  }
}

let library = [], format = "html";
const optimizer = new Editor($("optimizer"), $("derive-fault")), deriving = new Work($("derive-status"), $("derive-cancel"));
const claims = new Editor($("claims"), $("check-fault")), checking = new Work($("check-status"), $("check-cancel"));

const values = () => Object.fromEntries([...$("parameters").querySelectorAll("input")]
  .filter(input => input.value.trim()).map(input => [input.name, input.value.trim()]));

// The fields for values of parameters, which follow the text; those that were given stay.
function showParameters(given) {
  const head = /optimizer\s+\w+\s*\(([^)]*)\)/.exec($("optimizer").value);
  const names = head ? head[1].split(",").map(name => name.trim()).filter(name => /^\w+$/.test(name)) : [];
  const fields = $("parameters"), now = [...fields.querySelectorAll("input")].map(input => input.name);
  if (String(now) !== String(names) || given) {
    const old = given ?? values();
    fields.querySelectorAll("label").forEach(label => label.remove());
    for (const name of names) {
      const label = document.createElement("label"), input = document.createElement("input");
      [input.name, input.value, input.placeholder] = [name, Object.hasOwn(old, name) ? old[name] : "", "symbolic"];
      input.addEventListener("input", later);
      label.append(`${name} = `, input);
      fields.append(label);
    }
    fields.hidden = names.length === 0;
  }
}

function request() {
  // What is no number at all has no value.
  const number = ({value, validity}) => validity.badInput ? "what is written there" : value.trim() === "" ? null : Number(value);
  return {task: "derive", source: $("optimizer").value, order: number($("order")), at_step: number($("at-step")), start: $("start").value,
    content: $("content").value, gradient: $("form").value === "gradient", notation: $("notation").value, values: values()};
}

let run = 0;

async function derive() {
  if (library.length === 0) return start();
  clearTimeout(timer);
  bea.cancel();
  remember();
  misread([]);
  const [mine, asked] = [++run, request()];
  deriving.begin("deriving");
  try {
    const size = await bea.ask({...asked, task: "size", format});
    if (mine !== run) return;
    if (size.fault) return refuse(size.fault);
    const last = size.order;
    // What takes long is derived order by order, which tells how far the work is, and costs little more.
    for (let order = Math.min(last, 4); ; order++) {
      deriving.said = order < last ? `deriving order ${order} of ${last}` : `deriving order ${last}`;
      const answer = await bea.ask({...asked, order, format});
      if (mine !== run) return;
      if (answer.fault) return refuse(answer.fault);
      optimizer.show(null);
      note(answer.notes);
      const took = performance.now() - deriving.started;
      if (order === last || took > 500) show(answer.text, answer);
      if (order === last) return deriving.end(`${answer.heading}, derived in ${took.toFixed(0)} ms`);
      if (answer.milliseconds * 3 ** (last - order) < 2000) order = last - 1;
    }
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
  }
}

function refuse(fault) {
  optimizer.show(fault);
  note([]);
  deriving.end("nothing is derived");
  show("", null);
}

function note(notes) {
  $("notes").hidden = notes.length === 0;
  $("notes").textContent = notes.map(text => `note: ${text}`).join("\n");
}

function show(text, answer) {
  const typeset = format === "html";
  $("typeset").hidden = !typeset || !answer;
  $("plain").hidden = typeset || !answer;
  $("copy").hidden = $("plain").hidden;
  if (typeset) $("typeset").srcdoc = text; else $("plain").textContent = text;
}

$("typeset").addEventListener("load", () => {
  const page = $("typeset").contentDocument;
  if (!page?.body) return;
  const fit = () => { $("typeset").style.height = `${page.documentElement.scrollHeight}px`; };
  fit();
  new ResizeObserver(fit).observe(page.documentElement);
});

$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("plain").textContent);
    $("copy").textContent = "Copied";
  } catch {
    // Without leave to write to the clipboard the text is selected instead.
    getSelection().selectAllChildren($("plain"));
  }
  setTimeout(() => { $("copy").textContent = "Copy"; }, 1500);
});

async function check() {
  if (library.length === 0) return start();
  clearTimeout(timer);
  bea.cancel();
  remember();
  misread([]);
  const mine = ++run, source = $("claims").value, list = $("verdicts");
  checking.begin("reading");
  try {
    const found = await bea.ask({task: "claims", source});
    if (mine !== run) return;
    list.replaceChildren();
    claims.show(found.fault ?? found.faults[0]?.fault ?? null);
    if (found.fault) return checking.end("nothing is checked");
    let good = 0;
    for (const [index, {name, line}] of found.claims.entries()) {
      checking.said = `checking ${index + 1} of ${found.claims.length}: ${name}`;
      const verdict = await bea.ask({task: "check", source, index});
      if (mine !== run) return;
      if (verdict.fault && claims.fault.hidden) claims.show(verdict.fault);
      good += Number(verdict.passes ?? false);
      list.append(item(name, line, verdict));
    }
    for (const {name, line, fault} of found.faults) list.append(item(name, line, {fault}));
    const total = found.claims.length + found.faults.length;
    checking.end(`${total} ${total === 1 ? "claim" : "claims"}: ${good} as claimed`);
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
  }
}

function item(name, line, verdict) {
  const item = document.createElement("li"), mark = document.createElement("span");
  [mark.className, mark.textContent] = verdict.passes ? ["good", "✓ "] : ["bad", "✗ "];
  const said = verdict.fault ? verdict.fault.message : verdict.verdict === "true" ? "" : verdict.verdict;
  item.append(mark, name, said ? `: ${said}` : "", ` (line ${line})`);
  if (!verdict.passes && verdict.differences?.length) {
    const table = document.createElement("table");
    const row = (tag, cells) => {
      const row = table.insertRow();
      for (const cell of cells) row.append(Object.assign(document.createElement(tag), {textContent: cell}));
    };
    row("th", ["term", "claimed", "derived"]);
    for (const {case: of, term, claimed, derived} of verdict.differences) {
      const where = Object.entries(of).map(([name, value]) => `${name} = ${value}`);
      row("td", [[...where, term].filter(Boolean).join(", "), claimed, derived]);
    }
    item.append(table);
  }
  return item;
}

// The address: `#do=derive&optimizer=heavy_ball&order=6`, or `text=` where the text is one's own.
function remember() {
  const state = new URLSearchParams();
  const derives = $("check").hidden;
  state.set("do", derives ? "derive" : "check");
  if (derives) {
    const known = library.find(entry => entry.text === $("optimizer").value);
    if (known) state.set("optimizer", known.name); else state.set("text", $("optimizer").value);
    for (const id of Object.keys(initial)) if ($(id).value !== initial[id]) state.set(id, $(id).value);
    for (const [name, value] of Object.entries(values())) state.set(`set.${name}`, value);
    if (format !== "html") state.set("format", format);
  } else {
    state.set("text", $("claims").value);
  }
  history.replaceState(null, "", `#${state}`);
}
const initial = Object.fromEntries(["order", "start", "content", "form", "notation", "at-step"].map(id => [id, $(id).value]));

function recall() {
  const state = new URLSearchParams(location.hash.slice(1)), wrong = [];
  if (!state.has("do")) state.set("optimizer", "heavy_ball");
  const derives = state.get("do") !== "check", own = state.has("text") ? state.get("text") : null;
  const named = library.find(entry => entry.name === state.get("optimizer")), shown = named ?? library[0];
  if (!["derive", "check", null].includes(state.get("do"))) wrong.push(`do=${state.get("do")}`);
  if (state.has("optimizer") && !named) wrong.push(`optimizer=${state.get("optimizer")}, which the library has not`);
  $("optimizer").value = derives && own !== null ? own : shown.text;
  $("claims").value = !derives && own !== null ? own : CLAIMS;
  $("example").value = derives && own !== null ? "" : shown.name;
  for (const id of Object.keys(initial)) {
    $(id).value = state.get(id) ?? initial[id];
    // A control takes no value that it does not offer.
    if (state.has(id) && $(id).value !== state.get(id)) {
      wrong.push(`${id}=${state.get(id)}`);
      $(id).value = initial[id];
    }
  }
  const given = Object.fromEntries([...state].filter(([key]) => key.startsWith("set.")).map(([key, value]) => [key.slice(4), value]));
  showParameters(given);
  const taken = values();
  for (const name of Object.keys(given)) if (!Object.hasOwn(taken, name)) wrong.push(`set.${name}=${given[name]}`);
  const known = FORMATS.some(([id]) => id === state.get("format"));
  if (state.has("format") && !known) wrong.push(`format=${state.get("format")}`);
  for (const key of state.keys()) {
    if (!["do", "text", "optimizer", "format", ...Object.keys(initial)].includes(key) && !key.startsWith("set.")) wrong.push(`${key}=${state.get(key)}`);
  }
  choose($("formats"), `format-${known ? state.get("format") : "html"}`);
  choose(document.querySelector("header [role=tablist]"), derives ? "tab-derive" : "tab-check");
  act();
  misread(wrong);
}

// Says what of the address means nothing, until something else is asked for.
function misread(wrong) {
  $("misread").hidden = wrong.length === 0;
  $("misread").textContent = wrong.length === 0 ? "" : `The address asks for what there is not: ${wrong.join("; ")}. Shown is what the page has instead.`;
}

// Tabs as the keyboard expects them: arrows move, one of them can be reached with Tab.
function choose(list, id) {
  for (const tab of list.querySelectorAll("[role=tab]")) {
    const chosen = tab.id === id;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
    if (tab.getAttribute("aria-controls") && list.closest("header")) $(tab.getAttribute("aria-controls")).hidden = !chosen;
    if (chosen && tab.dataset.format) format = tab.dataset.format;
  }
}
function tabs(list, chosen) {
  list.addEventListener("click", event => { const tab = event.target.closest("[role=tab]"); if (tab) { choose(list, tab.id); chosen(); } });
  list.addEventListener("keydown", event => {
    const all = [...list.querySelectorAll("[role=tab]")], at = all.indexOf(event.target);
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1}[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = all[(to + all.length) % all.length];
    next.focus();
    next.click();
  });
}

let timer;
const act = () => $("check").hidden ? derive() : check();
function later() {
  clearTimeout(timer);
  timer = setTimeout(act, 250);
}

for (const [id, name] of FORMATS) {
  const tab = document.createElement("button");
  [tab.id, tab.textContent, tab.dataset.format] = [`format-${id}`, name, id];
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", id === "html" ? "typeset" : "plain");
  $("formats").append(tab);
}
tabs($("formats"), act);
tabs(document.querySelector("header [role=tablist]"), act);
$("optimizer").addEventListener("input", () => { $("example").value = ""; showParameters(); later(); });
$("claims").addEventListener("input", later);
for (const id of ["order", "at-step"]) $(id).addEventListener("input", later);
for (const id of ["start", "content", "form", "notation"]) $(id).addEventListener("change", act);
$("example").addEventListener("change", () => {
  const chosen = library.find(entry => entry.name === $("example").value);
  if (!chosen) return;
  $("optimizer").value = chosen.text;
  for (const id of Object.keys(initial)) if (id !== "order") $(id).value = initial[id];
  showParameters({});
  act();
});
document.addEventListener("keydown", event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) act(); });
addEventListener("hashchange", () => { if (library.length > 0) recall(); });

// The library comes first, and nothing answers before it. Where it does not come, whatever is done asks for it again.
let asked = false;
async function start() {
  if (asked) return;
  asked = document.querySelector("main").inert = true;
  // Nothing to cancel yet.
  for (const work of [deriving, checking]) work.end("loading bea");
  const answer = await bea.ask({task: "library"});
  asked = document.querySelector("main").inert = false;
  if (answer.fault) {
    for (const work of [deriving, checking]) work.end(answer.fault.message);
    return;
  }
  deriving.end("");
  checking.end("");
  library = answer.optimizers;
  $("example").append(new Option("one of your own", ""),
    ...library.map(({name, summary, linear}) => new Option(`${name}: ${summary}${linear ? "" : " (nonlinear)"}`, name)));
  recall();
}
start();
