#!/usr/bin/env python3
"""Uses a report in headless Chromium as a reader does, and compares what it shows with the measurements.

    interact.py REPORT.html METRICS.csv [CHROMIUM]

The measurements are those of a single run, or `-`, and then the page is one of several, its first figure with several panels.
Prints what is wrong, and fails if anything is: values at the cursor, curves that are hidden, zoom, the keyboard, colours on
light and dark, paper, a page without scripts, requests.
"""

import csv
import json
import math
import pathlib
import sys
import tempfile

from chromium import Chromium

# What the page shows at the moment: of every panel its cursor, the axis under it, and its curves.
STATE = """(() => [...document.querySelectorAll('figure.plot')].map(figure => {
  const svg = figure.querySelector('svg'), hit = figure.querySelector('[role=slider]');
  const readout = figure.querySelector('.readout');
  const shown = [...svg.querySelectorAll('text')].filter(t => t.getClientRects().length > 0);
  return {
    name: svg.getAttribute('aria-label'),
    readout: !readout || readout.hidden ? null : {
      head: readout.querySelector('div')?.textContent ?? '',
      rows: [...readout.querySelectorAll('tr')].map(row => ({
        label: row.querySelector('th').textContent,
        value: row.querySelector('td').childNodes[0].textContent,
        at: row.querySelector('small')?.textContent ?? null})),
      box: readout.getBoundingClientRect().toJSON(), figure: figure.getBoundingClientRect().toJSON()},
    panels: svg.querySelectorAll('[role=slider]').length,
    said: hit.getAttribute('aria-valuetext'), role: svg.getAttribute('role'),
    texts: shown.map(t => t.textContent),
    paths: [...svg.querySelectorAll('[data-series]')].map(g => ({
      visible: g.getClientRects().length > 0 && getComputedStyle(g).display !== 'none',
      d: [...g.querySelectorAll('path')].map(p => p.getAttribute('d')).join()})),
    dots: svg.querySelectorAll('.dot').length,
    entries: [...svg.querySelectorAll('[data-label]')].map(e => ({
      label: e.dataset.label, pressed: e.getAttribute('aria-pressed'), role: e.getAttribute('role'),
      tabindex: e.getAttribute('tabindex')})),
    reset: !figure.querySelector('.reset').hidden};
}))()"""

# Contrast (WCAG 2.2) of all texts, and of all curves, with the page.
CONTRAST = """(() => {
  const rgb = color => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const luminance = color => rgb(color).map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const page = getComputedStyle(document.body).backgroundColor;
  const contrast = color => {
    const [a, b] = [luminance(color), luminance(page)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const least = (elements, property) => Math.min(...elements.map(e => contrast(getComputedStyle(e)[property])));
  return {
    page, dark: luminance(page) < 0.2,
    svg: least([...document.querySelectorAll('figure text')], 'fill'),
    words: least([...document.querySelectorAll('h1,h2,p,th,td,summary,label')], 'color'),
    lines: least([...document.querySelectorAll('[data-series] path[fill=none]')], 'stroke')};
})()"""


class Reader:
    def __init__(self, chromium, url):
        self.chromium, self.url, self.faults = chromium, url, []

    def open(self, width=1280, scheme="light", scripts=True, media=""):
        call = self.chromium.call
        self.chromium.open_tab()
        call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.chromium.navigate(self.url)

    def expect(self, condition, complaint):
        if not condition:
            self.faults.append(complaint)

    def state(self):
        return self.chromium.evaluate(STATE)

    def frame(self, panel):
        """The box between the axes of a panel, once it is in view."""
        return self.chromium.evaluate(f"""(() => {{
          const hit = document.querySelectorAll('[role=slider]')[{panel}];
          hit.scrollIntoView({{block: 'center'}});
          return hit.getBoundingClientRect().toJSON();
        }})()""")

    def mouse(self, kind, x, y, **more):
        self.chromium.call("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, **more)

    def point(self, panel, across, up=0.5):
        box = self.frame(panel)
        x, y = box["left"] + across * box["width"], box["bottom"] - up * box["height"]
        self.mouse("Moved", x, y)
        return x, y

    def click(self, x, y, times=1):
        for count in range(1, times + 1):
            self.mouse("Pressed", x, y, button="left", clickCount=count)
            self.mouse("Released", x, y, button="left", clickCount=count)

    def drag(self, panel, start, end):
        box = self.frame(panel)
        place = lambda part: (box["left"] + part[0] * box["width"], box["bottom"] - part[1] * box["height"])
        (a, b), (c, d) = place(start), place(end)
        self.mouse("Moved", a, b)
        self.mouse("Pressed", a, b, button="left", buttons=1, clickCount=1)
        self.mouse("Moved", (a + c) / 2, (b + d) / 2, button="left", buttons=1)
        self.mouse("Moved", c, d, button="left", buttons=1)
        self.mouse("Released", c, d, button="left", clickCount=1)

    def press(self, key, text=None):
        codes = {"Tab": 9, "Enter": 13, " ": 32, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37,
                 "ArrowRight": 39, "+": 187, "0": 48}
        down = {"key": key, "windowsVirtualKeyCode": codes[key]}
        text = text or {"Enter": "\r", " ": " ", "+": "+", "0": "0"}.get(key)
        if text:
            down["text"] = text
        self.chromium.call("Input.dispatchKeyEvent", type="keyDown", **down)
        self.chromium.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=codes[key])

    def focused(self):
        return self.chromium.evaluate("""(() => {
          const e = document.activeElement, hit = e.matches('.hit') ? e : e.querySelector('.hit');
          const style = getComputedStyle(hit ?? e);
          return {role: e.getAttribute('role'), tag: e.tagName, id: e.id, label: e.getAttribute('aria-label'),
                  seen: hit ? style.stroke !== 'none' : style.outlineStyle !== 'none'};
        })()""")


def number(text):
    return float(text.replace("−", "-"))


def close(a, b):
    """Equal to six digits."""
    return a == b or abs(a - b) <= 6e-6 * max(abs(a), abs(b))


def values(reader, rows):
    """Every value that is shown at a cursor is in the row of its step, and the cursor is shared."""
    reader.open()
    names = [panel["name"] for panel in reader.state()]
    reader.expect(names, "there are no panels")
    of_steps = [i for i, name in enumerate(names) if name.endswith("step")]
    seen = set()
    for panel in of_steps:
        for across in (0.1, 0.42, 0.77):
            reader.point(panel, across)
            for i, state in enumerate(reader.state()):
                readout = state["readout"]
                if i not in of_steps:
                    reader.expect(readout is None, f"{names[i]}: a cursor of another axis")
                    continue
                if readout is None:
                    reader.expect(False, f"{names[i]}: no readout while {names[panel]} is pointed at")
                    continue
                step = number(readout["head"].split()[-1])
                reader.expect(readout["box"]["left"] > readout["figure"]["left"] - 1
                              and readout["box"]["right"] < readout["figure"]["right"] + 1,
                              f"{names[i]}: the readout leaves its figure: {readout}")
                for row in readout["rows"]:
                    if row["label"].endswith("/h"):
                        continue
                    where = number(row["at"].split()[-1]) if row["at"] else step
                    shown = number(row["value"].split(" (")[0])
                    measured = [x for x in rows[where].values() if not math.isnan(x)]
                    reader.expect(any(close(shown, x) for x in measured),
                                  f"{names[i]}: {row} at step {where}, where {measured} were measured")
                    seen.add((i, row["label"], where))
    reader.expect(len(seen) >= 3 * len(of_steps), f"few values: {sorted(seen)}")
    reader.mouse("Moved", 2, 2)
    reader.expect(all(panel["readout"] is None for panel in reader.state()), "a readout stays")


def legend(reader):
    """A click on an entry hides its curves and takes them out of the readout; another one shows them."""
    reader.open()
    before = reader.state()
    panel = next(i for i, state in enumerate(before) if len(state["entries"]) > 1)
    label = before[panel]["entries"][0]["label"]
    box = reader.chromium.evaluate(f"""(() => {{
      const e = document.querySelectorAll('figure.plot')[{panel}].querySelector('[data-label]');
      e.scrollIntoView({{block: 'center'}});
      return e.getBoundingClientRect().toJSON();
    }})()""")
    at = (box["left"] + box["width"] / 2, box["top"] + box["height"] / 2)
    reader.click(*at)
    hidden = reader.state()
    count = lambda state: sum(path["visible"] for path in state["paths"])
    reader.expect(count(hidden[panel]) < count(before[panel]), f"{label} is not hidden")
    reader.expect(hidden[panel]["entries"][0]["pressed"] == "false", f"{label} is said to be shown")
    reader.point(panel, 0.4)
    rows = reader.state()[panel]["readout"]["rows"]
    reader.expect(rows and label not in [row["label"] for row in rows], f"{label} is still read out: {rows}")
    reader.frame(panel)
    reader.click(*center(reader, panel))
    again = reader.state()
    reader.expect(count(again[panel]) == count(before[panel]), f"{label} does not come back")
    reader.expect(again[panel]["entries"][0]["pressed"] == "true", f"{label} is said to be hidden")


def center(reader, panel):
    box = reader.chromium.evaluate(f"""document.querySelectorAll('figure.plot')[{panel}]
      .querySelector('[data-label]').getBoundingClientRect().toJSON()""")
    return box["left"] + box["width"] / 2, box["top"] + box["height"] / 2


def zoom(reader):
    """A box changes both axes of its panel and the shared one of others; a double click brings everything back."""
    reader.open()
    before = reader.state()
    steps = [i for i, state in enumerate(before) if state["name"].endswith("step")]
    panel, other = steps[0], steps[-1]
    reader.drag(panel, (0.2, 0.2), (0.6, 0.7))
    after = reader.state()
    for i in {panel, other}:
        reader.expect(after[i]["texts"] != before[i]["texts"], f"{before[i]['name']}: the same ticks after a zoom")
        reader.expect([p["d"] for p in after[i]["paths"]] != [p["d"] for p in before[i]["paths"]],
                      f"{before[i]['name']}: the same curves after a zoom")
        reader.expect(after[i]["reset"], f"{before[i]['name']}: no way back is offered")
        digits = [text for text in after[i]["texts"] if text[:1].isdigit()]
        reader.expect(len(digits) >= 4, f"{before[i]['name']}: few ticks after a zoom: {after[i]['texts']}")
    # What is read out is at the pointer still.
    reader.point(panel, 0.5)
    reader.expect(reader.state()[panel]["readout"], "no readout after a zoom")
    x, y = reader.point(panel, 0.5)
    reader.click(x, y, times=2)
    back = reader.state()
    for i in {panel, other}:
        for key in ("texts", "paths", "reset"):
            reader.expect(back[i][key] == before[i][key], f"{before[i]['name']}: {key} do not come back")
    # A drag along one axis zooms that one alone.
    reader.drag(panel, (0.2, 0.5), (0.6, 0.5))
    along = reader.state()
    reader.expect(along[panel]["reset"] and along[other]["reset"], "a drag along the axis does not zoom")
    x, y = reader.point(panel, 0.5)
    reader.click(x, y, times=2)
    reader.drag(panel, (0.5, 0.2), (0.5, 0.6))
    up = reader.state()
    reader.expect(up[panel]["reset"] and not up[other]["reset"], "a drag up does not zoom its panel alone")


def keyboard(reader, rows):
    """Everything by Tab, arrows, Enter and Space, with the focus always visible."""
    reader.open()
    before = reader.state()
    roles = []
    for _ in range(400):
        reader.press("Tab")
        focus = reader.focused()
        if focus["tag"] == "BODY":
            break
        roles.append(focus["role"] or focus["tag"])
        reader.expect(focus["seen"], f"the focus is not seen: {focus}")
        if rows and focus["role"] == "slider" and roles.count("slider") == 1:
            cursor(reader, before, rows)
        if focus["role"] == "button" and roles.count("button") == 1:
            for key in ("Enter", " "):
                reader.press(key)
                pressed = reader.chromium.evaluate("document.activeElement.getAttribute('aria-pressed')")
                reader.expect(pressed == ("false" if key == "Enter" else "true"), f"{key!r} leaves {pressed}")
    entries = sum(len(state["entries"]) for state in before)
    panels = sum(state["panels"] for state in before)
    reader.expect(roles.count("slider") == panels, f"panels that Tab does not reach: {roles}")
    reader.expect(roles.count("button") >= entries, f"entries that Tab does not reach: {roles}")
    reader.expect("INPUT" in roles, "the choice of colours cannot be reached")


def cursor(reader, before, rows):
    state = lambda: reader.state()[0]
    steps = sorted(rows)
    for key, step in [("Home", steps[0]), ("ArrowRight", steps[1]), ("ArrowRight", steps[2]),
                      ("ArrowLeft", steps[1]), ("End", steps[-1])]:
        reader.press(key)
        now = state()
        reader.expect(now["readout"] and number(now["readout"]["head"].split()[-1]) == step,
                      f"{key} leads to {now['readout']}, not to step {step}")
        reader.expect(f" {step:g}: " in now["said"], f"{key} says {now['said']}")
        reader.expect(now["dots"] > 0 or not now["readout"]["rows"], f"no point is marked after {key}")
    reader.press("+")
    reader.expect(state()["texts"] != before[0]["texts"], "+ does not zoom")
    reader.press("0")
    reader.expect(state()["texts"] == before[0]["texts"], "0 does not show all again")


def colors(reader):
    """Texts at 4.5 to 1, curves at 3 to 1, on light and dark, by the system and by the box."""
    for scheme in ("light", "dark"):
        reader.open(scheme=scheme)
        seen = [reader.chromium.evaluate(CONTRAST)]
        reader.chromium.evaluate("document.querySelector('#colors').click()")
        seen.append(reader.chromium.evaluate(CONTRAST))
        for found, dark in zip(seen, (scheme == "dark", scheme != "dark")):
            reader.expect(found["dark"] == dark, f"{scheme}: a page of {found['page']}")
            for part, least in (("svg", 4.5), ("words", 4.5), ("lines", 3.0)):
                reader.expect(found[part] >= least - 0.005, f"{scheme}: contrast of {part} {found[part]:.2f}")


def paper(reader):
    """Black on white even where the screen is dark, without what only a screen needs, and pages of PDF."""
    reader.open(scheme="dark")
    reader.point(0, 0.5)
    reader.chromium.call("Emulation.setEmulatedMedia", media="print",
                         features=[{"name": "prefers-color-scheme", "value": "dark"}])
    found = reader.chromium.evaluate(CONTRAST)
    reader.expect(found["page"] == "rgb(255, 255, 255)", f"paper of {found['page']}")
    reader.expect(found["svg"] >= 4.5 and found["words"] >= 4.5, f"faint print: {found}")
    hidden = reader.chromium.evaluate(
        "[...document.querySelectorAll('.readout,.reset,.how,.colors,.rule,.dot')].every(e => !e.getClientRects().length)")
    reader.expect(hidden, "paper shows what only a screen needs")
    pictures = reader.chromium.evaluate(
        "[...document.querySelectorAll('figure>svg')].every(e => e.getBoundingClientRect().width > 150)")
    reader.expect(pictures, "pictures that are not printed")
    printed = reader.chromium.call("Page.printToPDF", printBackground=True)["data"]
    reader.expect(len(printed) > 10000, "an empty PDF")


def without_scripts(reader):
    reader.open(scripts=False)
    curves = reader.chromium.evaluate("""[...document.querySelectorAll('figure>svg')].map(svg =>
      [...svg.querySelectorAll('[data-series] path')].filter(p => p.getBoundingClientRect().width > 5).length)""")
    reader.expect(curves and all(curves), f"without scripts no curves are seen: {curves}")
    how = reader.chromium.evaluate("document.querySelector('.how').getClientRects().length")
    reader.expect(how == 0, "what only scripts do is explained without them")


def requests(reader):
    """Nothing is asked of the network, and the page's own policy does not let anything be asked."""
    asked = [event["params"]["request"]["url"] for event in reader.chromium.events
             if event["method"] == "Network.requestWillBeSent"]
    reader.expect(asked == [reader.url], f"requests: {asked}")
    refused = reader.chromium.evaluate("""new Promise(resolve => {
      document.addEventListener('securitypolicyviolation', event => resolve(event.effectiveDirective), {once: true});
      setTimeout(() => resolve(null), 5000);
      fetch('http://127.0.0.1:9/').catch(() => {});
    })""")
    reader.expect(refused == "connect-src", f"a request is refused by {refused}")


def several(reader):
    """Panels of one figure share the cursor, each with what it shows at the same step; medians come with their spread."""
    reader.open(width=1400)
    for across in (0.3, 0.7):
        reader.point(0, across)
        shown = reader.chromium.evaluate("""[...document.querySelectorAll('figure.plot.wide .readout')]
          .filter(r => !r.hidden).map(r => r.innerText)""")
        heads = {text.split("\n")[0] for text in shown}
        reader.expect(len(shown) > 1 and len(heads) == 1, f"panels of one figure do not share a cursor: {shown}")
        reader.expect(any(" to " in text for text in shown), f"medians without their spread: {shown}")
    spread = """document.querySelectorAll('figure.plot.wide [data-band]').length
      && [...document.querySelectorAll('figure.plot.wide [data-band]')].filter(g => g.getClientRects().length).length"""
    before = reader.chromium.evaluate(spread)
    label = """[...document.querySelectorAll('figure.plot.wide [data-label]')].find(e => e.dataset.label.endsWith('around their median'))"""
    reader.chromium.evaluate(f"{label}.dispatchEvent(new MouseEvent('click'))")
    after = reader.chromium.evaluate(spread)
    reader.expect(before > 0 and after == 0, f"the entry of the spread leaves {after} of {before} bands")


def data(reader):
    """What is embedded is strict JSON, without NaN."""
    strict = lambda name: reader.expect(False, f"{name} in the data")
    for text in reader.chromium.evaluate(
            "[...document.querySelectorAll('figure.plot>script')].map(script => script.textContent)"):
        json.loads(text, parse_constant=strict)


def main():
    url = pathlib.Path(sys.argv[1]).resolve().as_uri()
    rows = None
    if sys.argv[2] != "-":
        file = open(sys.argv[2], newline="")
        rows = {float(row["step"]): {name: float(x or "nan") for name, x in row.items()}
                for row in csv.DictReader(file)}
    program = sys.argv[3] if len(sys.argv) > 3 else "chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        chromium = Chromium(program, profile)
        reader = Reader(chromium, url)
        try:
            if rows:
                values(reader, rows)
                requests(reader)
                legend(reader)
                zoom(reader)
            else:
                several(reader)
            data(reader)
            keyboard(reader, rows)
            colors(reader)
            paper(reader)
            without_scripts(reader)
        finally:
            chromium.end()
    for fault in reader.faults:
        print(fault)
    sys.exit(1 if reader.faults else 0)


if __name__ == "__main__":
    main()
