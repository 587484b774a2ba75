#!/usr/bin/env python3
"""Uses the page that derives in the browser, in headless Chromium, and compares it with the command.

    derives.py FOLDER BEA [CHROMIUM [PICTURES]]

FOLDER is what `crates/page/build` has made, BEA the command; pictures of the page are written to PICTURES. Prints what is wrong, and fails if anything is. It prints
how long the page and a derivation took.
"""

import base64
import functools
import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from chromium import Chromium


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves files, but not those of `closed`, each an event that opens one: before it the answer is that of `wait`."""

    def __init__(self, *arguments, closed, wait, **named):
        self.closed, self.wait = closed, wait
        super().__init__(*arguments, **named)

    def log_message(self, *_):
        pass

    def do_GET(self):
        opened = self.closed.get(self.path)
        if opened and not opened.is_set():
            if not self.wait:
                return self.send_error(503)
            opened.wait(60)
        super().do_GET()


def serve(folder, closed={}, wait=False):
    handler = functools.partial(Files, directory=folder, closed=closed, wait=wait)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


class Reader:
    def __init__(self, chromium, url):
        self.chromium, self.url, self.faults = chromium, url, []

    def open(self, state="", width=1280, scheme="light", url=None):
        call = self.chromium.call
        self.chromium.open_tab()
        call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.chromium.navigate(f"{url or self.url}/index.html{state}")

    def expect(self, condition, complaint):
        if not condition:
            self.faults.append(complaint)

    def evaluate(self, expression):
        return self.chromium.evaluate(expression)

    def until(self, expression, complaint, seconds=60):
        """Waits for something to become true, and returns whether it has."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.evaluate(expression):
                return True
            time.sleep(0.02)
        self.expect(False, f"{complaint}: {self.evaluate(STATUS)}")
        return False

    def key(self, key, modifiers=0):
        code = {"Enter": 13, "Tab": 9, "ArrowRight": 39}.get(key, 0)
        for kind in ["keyDown", "keyUp"]:
            self.chromium.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                               modifiers=modifiers)

    def type(self, text):
        self.chromium.call("Input.insertText", text=text)

    def derive(self, source, **choices):
        request = json.dumps({"task": "derive", "source": source, **choices})
        return self.evaluate(f"bea.ask({request})")


STATUS = "document.getElementById('derive-status').textContent + '|' + document.getElementById('check-status').textContent"
DERIVED = "/derived in/.test(document.getElementById('derive-status').textContent)"
PLAIN = "document.getElementById('plain').textContent"

OWN = """optimizer mine(c) {
  state v
  v' = c*v + h*f(theta)
  theta' = theta + v'/2
}
"""


def command(bea, *arguments):
    done = subprocess.run([bea, *arguments], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"bea {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def main(folder, bea, program):
    url = serve(folder)
    with tempfile.TemporaryDirectory() as scratch:
        chromium, servers = Chromium(program, pathlib.Path(scratch) / "profile"), []
        reader = Reader(chromium, url)
        try:
            first_screen(reader, bea)
            own_optimizer(reader, bea, pathlib.Path(scratch) / "mine.bea")
            faults(reader)
            claims(reader)
            whole_library(reader, bea)
            looks(reader)
            addresses(reader, bea)
            servers.append(serve(folder, closed={"/bea.wasm": (opened := threading.Event())}, wait=True))
            before_the_library(reader, servers[0], opened)
            for missing in ["/bea.wasm", "/worker.js"]:
                servers.append(serve(folder, closed={missing: (opened := threading.Event())}))
                begins_again(reader, servers[-1], opened)
        finally:
            chromium.end()
        requests = {event["params"]["request"]["url"] for event in chromium.events
                    if event.get("method") == "Network.requestWillBeSent"}
        foreign = [u for u in requests if not u.startswith((url, *servers, "data:", "about:", "blob:"))]
        reader.expect(not foreign, f"asks other hosts: {foreign}")
    for fault in reader.faults:
        print(fault, file=sys.stderr)
    return 1 if reader.faults else 0


def first_screen(reader, bea):
    reader.open()
    if reader.until(DERIVED, "nothing is derived at once"):
        print(f"ready, with a first derivation, in {reader.evaluate('performance.now()') / 1000:.2f} s")
    typeset = "document.getElementById('typeset').contentDocument?.querySelectorAll('math').length ?? 0"
    reader.until(f"({typeset}) > 1", "no formula is typeset")
    drawn = "document.getElementById('typeset').contentDocument.querySelectorAll('svg').length"
    reader.expect(reader.evaluate(drawn) > 1, "no tree is drawn")
    reader.open("#do=derive&optimizer=heavy_ball&order=6&format=json")
    if reader.until(DERIVED, "order 6 is not derived"):
        print("heavy_ball to order 6:", reader.evaluate(STATUS).split("derived in")[1].strip(" |"))
        expected = command(bea, "derive", "heavy_ball", "--order", "6", "--format", "json")
        reader.expect(reader.evaluate(PLAIN) == expected, "order 6 of heavy_ball is another one")


def own_optimizer(reader, bea, file):
    """Types an optimizer, with the keyboard alone, and reads its flow."""
    reader.open("#do=derive&optimizer=gradient_descent&format=txt")
    reader.until(DERIVED, "gradient descent is not derived")
    reader.evaluate("document.getElementById('optimizer').focus(), document.getElementById('optimizer').select()")
    reader.type(OWN)
    reader.until("/mine/.test(document.getElementById('derive-status').textContent)", "what is typed is not derived")
    file.write_text(OWN)
    expected = command(bea, "derive", str(file), "--order", "2", "--format", "text")
    reader.expect(reader.evaluate(PLAIN) == expected, f"another flow: {reader.evaluate(PLAIN)}")
    # A value of its parameter.
    reader.evaluate("document.querySelector('#parameters input[name=c]').focus()")
    reader.type("1/3")
    reader.until("/c = 1\\/3/.test(document.getElementById('derive-status').textContent)", "the value is not taken")
    expected = command(bea, "derive", str(file), "--order", "2", "--format", "text", "--set", "c=1/3")
    reader.expect(reader.evaluate(PLAIN) == expected, "another flow with c = 1/3")
    # The address brings somebody else to the same place.
    state = reader.evaluate("location.hash")
    reader.open(state)
    reader.until(DERIVED, "an address does not derive")
    reader.expect(reader.evaluate(PLAIN) == expected, "an address leads to another flow")
    # The tabs of formats, by arrows.
    reader.evaluate("document.getElementById('format-txt').focus()")
    reader.key("ArrowRight")
    reader.until(f"{PLAIN}.trimStart().startsWith('{{')", "an arrow does not lead to JSON")
    expected = command(bea, "derive", str(file), "--order", "2", "--format", "json", "--set", "c=1/3")
    reader.expect(reader.evaluate(PLAIN) == expected, "another JSON with c = 1/3")


def faults(reader):
    reader.open("#do=derive&text=" + "optimizer%20bad%20%7B%20theta'%20%3D%20theta%20%2B%20h*f(thta)%20%7D")
    reader.until("!document.getElementById('derive-fault').hidden", "a fault is not shown")
    text = reader.evaluate("document.getElementById('derive-fault').textContent")
    reader.expect("thta" in text and "^^^^" in text and "line 1" in text, f"the fault is not explained: {text}")
    marked = reader.evaluate("document.querySelector('#derive mark')?.textContent")
    reader.expect(marked == "thta", f"underlined is {marked}")
    # A huge order is refused with its number before it begins.
    reader.open("#do=derive&optimizer=gradient_descent&order=30")
    reader.until("!document.getElementById('derive-fault').hidden", "order 30 is not refused")
    text = reader.evaluate("document.getElementById('derive-fault').textContent")
    reader.expect("order 30 needs all trees" in text, f"order 30: {text}")
    # What takes long can be cancelled, and the page goes on.
    reader.open("#do=derive&optimizer=nesterov&order=12&format=json")
    if reader.until("!document.getElementById('derive-cancel').hidden", "nothing to cancel", 30):
        reader.evaluate("document.getElementById('derive-cancel').click()")
        reader.expect("cancelled" in reader.evaluate(STATUS), "not cancelled")
        reader.evaluate("document.getElementById('order').value = 1, derive()")
        reader.until(DERIVED, "nothing is derived after a cancellation")


def claims(reader):
    reader.open("#do=check")
    reader.until("/as claimed/.test(document.getElementById('check-status').textContent)", "claims are not checked")
    said = reader.evaluate("[...document.querySelectorAll('#verdicts > li')].map(e => e.textContent)")
    reader.expect(len(said) == 3 and [s[0] for s in said] == ["✓", "✓", "✗"], f"verdicts: {said}")
    reader.expect("claimed" in said[2] and "derived" in said[2], f"no difference is shown: {said[2]}")


def whole_library(reader, bea):
    """Every optimizer of the library, in the page and by the command."""
    reader.open()
    reader.until(DERIVED, "nothing is derived")
    library = reader.evaluate("library")
    reader.expect(len(library) > 50, f"only {len(library)} optimizers")
    compared = 0
    for entry in library:
        order = 2 if entry["linear"] else 1
        found = reader.derive(entry["text"], order=order, format="json")
        done = subprocess.run([bea, "derive", entry["name"], "--order", str(order), "--format", "json"],
                              capture_output=True, text=True)
        if done.returncode == 0:
            reader.expect(found.get("text") == done.stdout, f"{entry['name']}: another field")
            compared += 1
        else:
            reader.expect("fault" in found, f"{entry['name']}: the command refuses it, the page does not")
    print(f"{compared} of {len(library)} optimizers have the same JSON; the command refuses the others, and so does the page")
    reader.expect(compared > 50, f"only {compared} could be compared")


def addresses(reader, bea):
    """What an address says, and what it says in vain."""
    fault, misread = ("document.getElementById('derive-fault').textContent", "document.getElementById('misread').textContent")
    # The effective start, as a choice and in the address.
    reader.open("#do=derive&optimizer=heavy_ball&order=3&format=json")
    reader.until(DERIVED, "heavy ball is not derived")
    reader.evaluate("document.getElementById('start').value = 'rest', "
                    "document.getElementById('start').dispatchEvent(new Event('change'))")
    started = "/effective start to order 3, derived in/.test(document.getElementById('derive-status').textContent)"
    reader.until(started, "no effective start")
    expected = command(bea, "derive", "heavy_ball", "--start", "rest", "--order", "3", "--format", "json")
    reader.expect(reader.evaluate(PLAIN) == expected, f"another start: {reader.evaluate(PLAIN)}")
    state = reader.evaluate("location.hash")
    reader.expect("start=rest" in state, f"the start is not in the address {state}")
    reader.open(state.replace("format=json", "format=html"))
    reader.until(started, "an address leads to no effective start")
    typeset = "document.getElementById('typeset').contentDocument?.querySelector('math')?.textContent ?? ''"
    reader.until(f"({typeset}).includes('θ^0')", "no effective start is typeset")
    # Numbers that are none.
    for order, said in [("-1", "is a whole number from 0 on, not -1"), ("1e300", "not 1e+300"), ("2.5", "not 2.5")]:
        reader.open(f"#do=derive&optimizer=gradient_descent&order={order}")
        reader.until("!document.getElementById('derive-fault').hidden", f"order {order} is not refused")
        reader.expect(said in reader.evaluate(fault), f"order {order}: {reader.evaluate(fault)}")
    reader.open("#do=derive&optimizer=adam&at-step=1001")
    reader.until("!document.getElementById('derive-fault').hidden", "step 1001 is not refused")
    reader.expect("from 1 to 1000" in reader.evaluate(fault), f"step 1001: {reader.evaluate(fault)}")
    # What there is not is named.
    for state in ["optimizer=newton", "optimizer=heavy_ball&content=half", "optimizer=heavy_ball&format=doc",
                  "optimizer=heavy_ball&set.q=1", "optimizer=heavy_ball&ordre=3", "optimizer=heavy_ball&start=settled"]:
        reader.open(f"#do=derive&{state}")
        reader.until(DERIVED, f"{state}: nothing is derived")
        reader.expect(state.split("&")[-1] in reader.evaluate(misread), f"{state}: {reader.evaluate(misread)}")
    reader.open("#do=derive&optimizer=heavy_ball&order=1&set.m=1/2")
    reader.until(DERIVED, "nothing is derived")
    reader.expect(reader.evaluate(misread) == "", f"a good address: {reader.evaluate(misread)}")
    # An empty text is one.
    reader.open("#do=derive&text=")
    reader.until("!document.getElementById('derive-fault').hidden", "an empty text is not refused")
    reader.expect(reader.evaluate("document.getElementById('optimizer').value") == "", "an empty text is filled")
    # Parameters may have the names of what every object has.
    reader.open("#do=derive&format=txt&order=1&text=" + urllib.parse.quote(
        "optimizer o(constructor) { theta' = theta + h*constructor*f(theta) }"))
    reader.until(DERIVED, "a parameter called constructor")
    reader.expect(reader.evaluate(f"{PLAIN}.includes('constructor f')"), f"constructor: {reader.evaluate(PLAIN)}")
    # A buffer that nothing uses is noted.
    reader.open("#do=derive&order=1&text=" + urllib.parse.quote(
        "optimizer o { state v\n v' = v/2 + h*f(theta)\n theta' = theta + h*f(theta) }"))
    reader.until(DERIVED, "an idle buffer")
    notes = "document.getElementById('notes').textContent"
    reader.expect("the buffer `v` is not used" in reader.evaluate(notes), f"notes: {reader.evaluate(notes)}")


def before_the_library(reader, url, opened):
    """Nothing answers before the module is there, and nothing is lost then."""
    state = "#do=derive&optimizer=nesterov&order=1"
    reader.open(state, url=url)
    time.sleep(0.7)
    reader.expect(reader.evaluate("document.getElementById('derive-cancel').hidden"), "loading can be cancelled")
    reader.evaluate("derive(), check(), dispatchEvent(new HashChangeEvent('hashchange')), document.body.dispatchEvent("
                    "new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, bubbles: true}))")
    reader.evaluate("document.getElementById('tab-check').click(), document.getElementById('tab-derive').click()")
    reader.expect(reader.evaluate("location.hash") == state, f"the address is now {reader.evaluate('location.hash')}")
    opened.set()
    reader.until("/nesterov.*derived in/.test(document.getElementById('derive-status').textContent)", "nesterov is not derived")
    errors = [event for event in reader.chromium.events if event.get("method") == "Runtime.exceptionThrown"]
    reader.expect(not errors, f"exceptions: {errors}")


def begins_again(reader, url, opened):
    """A part that did not come is asked for again."""
    reader.open("#do=derive&optimizer=nesterov&order=1", url=url)
    reader.until("/503|does not start/.test(document.getElementById('derive-status').textContent)", "no word of a missing part")
    opened.set()
    reader.evaluate("act()")
    reader.until("/nesterov.*derived in/.test(document.getElementById('derive-status').textContent)", "it does not begin again")


def looks(reader):
    for width, scheme in [(360, "light"), (1280, "dark")]:
        reader.open("#do=derive&optimizer=heavy_ball&order=4", width, scheme)
        reader.until(DERIVED, "nothing is derived")
        wide = reader.evaluate("document.documentElement.scrollWidth")
        reader.expect(wide <= width, f"at {width} pixels the page is {wide} wide")
        page = reader.evaluate("getComputedStyle(document.body).backgroundColor")
        dark = max(int(c) for c in page.removeprefix("rgb(").removesuffix(")").split(",")) < 64
        reader.expect(dark == (scheme == "dark"), f"{scheme}: a page of {page}")
        if len(sys.argv) > 4:
            shot = reader.chromium.call("Page.captureScreenshot", captureBeyondViewport=False)["data"]
            pathlib.Path(sys.argv[4], f"page-{width}-{scheme}.png").write_bytes(base64.b64decode(shot))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "chromium"))
