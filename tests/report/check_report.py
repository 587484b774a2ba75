#!/usr/bin/env python3
"""Opens a report from disk in headless Chromium, at the width of a desk and of a phone, light and dark.

    check_report.py REPORT.html [CHROMIUM]

Fails unless plots are visible, nothing is asked of the network, the console is silent, and the page does not
scroll sideways.
"""

import pathlib
import sys
import tempfile

from chromium import Chromium

# Visible: of some size, with a curve that has one too and is not of the colour of the page.
VISIBLE = """(() => {
  const page = getComputedStyle(document.body).backgroundColor;
  const plots = [...document.querySelectorAll('figure>svg')].map(svg => {
    const box = svg.getBoundingClientRect();
    const curves = [...svg.querySelectorAll('path')].filter(path => {
      const size = path.getBoundingClientRect();
      return size.width + size.height > 0 && getComputedStyle(path).stroke !== page;
    });
    return {title: svg.getAttribute('aria-label'), width: box.width, height: box.height,
            curves: curves.length};
  });
  const root = document.documentElement;
  return {plots, page, overflow: root.scrollWidth - root.clientWidth};
})()"""


def faults(chromium, url, width, scheme):
    """What is wrong with the page at this width, on a light or a dark screen."""
    chromium.open_tab()
    chromium.call("Emulation.setDeviceMetricsOverride", width=width, height=800,
                  deviceScaleFactor=1, mobile=width < 600)
    chromium.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
    chromium.events = []
    navigated = chromium.call("Page.navigate", url=url)
    if "errorText" in navigated:
        return [f"does not open: {navigated['errorText']}"]
    chromium.until("Page.loadEventFired")
    answer = chromium.call("Runtime.evaluate", expression=VISIBLE, returnByValue=True)
    if "exceptionDetails" in answer:
        return [f"cannot be looked at: {answer['exceptionDetails']}"]
    seen = answer["result"]["value"]
    found = []
    if not seen["plots"]:
        found.append("no plots")
    for plot in seen["plots"]:
        if plot["width"] < 200 or plot["height"] < 100 or plot["curves"] < 1:
            found.append(f"a plot that cannot be seen: {plot}")
    dark = sum(int(x) for x in seen["page"].strip("rgb()").split(",")) < 384
    if dark != (scheme == "dark"):
        found.append(f"a page of colour {seen['page']} on a {scheme} screen")
    if seen["overflow"] > 0:
        found.append(f"{seen['overflow']} pixels too wide")
    for event in chromium.events:
        method, parameters = event["method"], event["params"]
        if method == "Network.requestWillBeSent" and parameters["request"]["url"] != url:
            found.append(f"asks for {parameters['request']['url']}")
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            found.append(f"writes to the console: {parameters}")
    opened = [event for event in chromium.events
              if event["method"] == "Network.requestWillBeSent"
              and event["params"]["request"]["url"] == url]
    if not opened:
        found.append("the requests were not watched")
    return found


def main():
    url = pathlib.Path(sys.argv[1]).resolve().as_uri()
    program = sys.argv[2] if len(sys.argv) > 2 else "chromium"
    failed = False
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        chromium = Chromium(program, profile)
        try:
            for width in (1280, 360):
                for scheme in ("light", "dark"):
                    for fault in faults(chromium, url, width, scheme):
                        print(f"{url} at {width} pixels, {scheme}: {fault}")
                        failed = True
        finally:
            chromium.process.terminate()
            chromium.process.wait()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
