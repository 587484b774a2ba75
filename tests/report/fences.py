#!/usr/bin/env python3
"""Opens a page with formulas in headless Chromium, on a desk, on a phone and in the dark.

    fences.py PAGE.html [CHROMIUM]

Fails unless the brackets of every pair are equally high, wide formulas scroll in their own box and not the page, drawings
and texts can be seen in light, in the dark and on paper, and nothing is asked of the network.
"""

import pathlib
import sys
import tempfile

from chromium import Chromium

FENCES = """(() => {
  const faults = [], partner = {')': '(', ']': '['};
  let pairs = 0;
  for (const row of document.querySelectorAll('math, math *')) {
    const open = [];
    for (const mo of [...row.children].filter(child => child.localName === 'mo')) {
      const mark = mo.textContent.trim();
      if (!'()[]‖'.includes(mark) || !mark) continue;
      const opens = mark === '‖' ? open.at(-1)?.textContent !== mark : !(mark in partner);
      if (opens) { open.push(mo); continue; }
      const first = open.pop();
      if (!first || first.textContent !== (partner[mark] ?? mark)) {
        faults.push(`${mark} without a partner in ${row.textContent.slice(0, 80)}`);
        continue;
      }
      const [a, b] = [first, mo].map(e => e.getBoundingClientRect());
      pairs += 1;
      if (Math.abs(a.height - b.height) > 0.5 || Math.abs(a.top - b.top) > 0.5)
        faults.push(`not equally high, ${a.height} and ${b.height}: ${row.textContent.slice(0, 80)}`);
      if (a.height < 5) faults.push(`a bracket that cannot be seen: ${row.textContent.slice(0, 80)}`);
    }
    for (const mo of open) faults.push(`${mo.textContent} without a partner in ${row.textContent.slice(0, 80)}`);
  }
  if (pairs === 0) faults.push('no brackets');
  return faults;
})()"""

LOOK = """(() => {
  const root = document.documentElement, faults = [];
  if (root.scrollWidth > root.clientWidth) faults.push(`${root.scrollWidth - root.clientWidth} pixels too wide`);
  const rgb = color => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const luminance = color => rgb(color).map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const page = getComputedStyle(document.body).backgroundColor;
  const contrast = color => {
    const [a, b] = [luminance(color), luminance(page)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const least = (selector, property, floor) => {
    for (const e of document.querySelectorAll(selector)) {
      const found = contrast(getComputedStyle(e)[property]);
      if (found < floor) { faults.push(`${selector}: contrast ${found.toFixed(2)} to ${page}`); return; }
    }
  };
  least('h1,p,h3,math,figcaption,.row,label', 'color', 4.5);
  least('svg circle', 'fill', 2);
  least('svg path', 'stroke', 3);
  for (const svg of document.querySelectorAll('figure svg')) {
    const box = svg.getBoundingClientRect();
    if (box.width < 5 || box.height < 5) faults.push('a tree that cannot be seen');
  }
  return {faults, page};
})()"""


def main():
    url = pathlib.Path(sys.argv[1]).resolve().as_uri()
    program = sys.argv[2] if len(sys.argv) > 2 else "chromium"
    faults = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        chromium = Chromium(program, profile)
        try:
            for width, scheme, media in ((1280, "light", ""), (360, "dark", ""), (720, "dark", "print")):
                chromium.open_tab()
                chromium.call("Emulation.setDeviceMetricsOverride", width=width, height=800,
                              deviceScaleFactor=1, mobile=width < 600)
                chromium.call("Emulation.setEmulatedMedia", media=media,
                              features=[{"name": "prefers-color-scheme", "value": scheme}])
                chromium.navigate(url)
                where = f"at {width} pixels, {media or scheme}: "
                faults += [where + fault for fault in chromium.evaluate(FENCES)]
                seen = chromium.evaluate(LOOK)
                faults += [where + fault for fault in seen["faults"]]
                dark = sum(int(x) for x in seen["page"].strip("rgb()").split(",")) < 384
                if dark != (scheme == "dark" and not media):
                    faults.append(where + f"a page of {seen['page']}")
                asked = [event["params"]["request"]["url"] for event in chromium.events
                         if event["method"] == "Network.requestWillBeSent"]
                if asked != [url]:
                    faults.append(where + f"requests {asked}")
        finally:
            chromium.end()
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
