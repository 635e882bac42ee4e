// Draws what pages hand over in data-chart. The same numbers are in a table beside each chart.
"use strict";
(() => {
  const HEIGHT = 220;
  const drawn = new Map();

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function series(each, unit, places) {
    const ink = colour("--chart-ink"), soft = colour("--chart-soft");
    const value = (_, n, at, day) => (day === null || day === undefined ? "" : n === null || n === undefined ? "–" : `${n.toLocaleString("en", { minimumFractionDigits: places === 3 ? 0 : places, maximumFractionDigits: places })} ${unit}`);
    const common = { label: each.label, value, points: { show: false } };
    const bars = uPlot.paths.bars({ size: [0.7, 48] });
    switch (each.kind) {
      case "bars": return { ...common, paths: bars, fill: ink, stroke: ink };
      case "expected": return { ...common, paths: bars, fill: soft, stroke: ink, width: 1 };
      case "dashed": return { ...common, stroke: ink, width: 2, dash: [6, 5] };
      case "high": case "low": return { ...common, stroke: soft, width: 1 };
      default: return { ...common, stroke: ink, width: 2.5 };
    }
  }

  function options(chart, width) {
    const text = colour("--pico-color"), grid = colour("--chart-grid");
    const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const kinds = chart.series.map((each) => each.kind);
    const high = kinds.indexOf("high") + 1, low = kinds.indexOf("low") + 1;
    const day = (seconds) => new Date(seconds * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
    const marks = { line: colour("--chart-ink"), bars: colour("--chart-ink"), expected: colour("--chart-soft") };
    const step = 86400;
    return {
      width, height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { range: (_, from, to) => [from - step / 2, to + step / 2] }, y: { range: (_, from, to) => [Math.min(0, from), to > 0 ? to * 1.05 : 1] } },
      bands: high && low ? [{ series: [high, low], fill: colour("--chart-band") }] : [],
      axes: [
        { ...axis, incrs: [step, 2 * step, 5 * step, 7 * step, 14 * step], values: (_, splits) => splits.map(day), space: 60, grid: { show: false } },
        { ...axis, size: 70, values: (_, splits) => splits.map((n) => n.toLocaleString("en")) },
      ],
      legend: { markers: { fill: (_, n) => marks[kinds[n - 1]] ?? "transparent", dash: (_, n) => (kinds[n - 1] === "dashed" ? "dashed" : "solid") } },
      series: [{ label: "Day", value: (_, n) => (n === null || n === undefined ? "" : day(n)) }, ...chart.series.map((each) => series(each, chart.unit, chart.places))],
    };
  }

  function draw(place) {
    const chart = JSON.parse(place.dataset.chart);
    const days = chart.days.map((each) => Date.parse(`${each}T00:00:00Z`) / 1000);
    drawn.get(place)?.destroy();
    drawn.set(place, new uPlot(options(chart, place.clientWidth || 600), [days, ...chart.series.map((each) => each.values)], place));
  }

  function drawNew() {
    for (const place of drawn.keys()) if (!place.isConnected) drawn.delete(place);
    for (const place of document.querySelectorAll("[data-chart]")) if (!drawn.has(place)) draw(place);
  }

  function drawAgain() {
    for (const place of drawn.keys()) draw(place);
  }

  addEventListener("resize", () => drawn.forEach((plot, place) => plot.setSize({ width: place.clientWidth, height: HEIGHT })));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAgain);
  new MutationObserver(drawNew).observe(document.body, { childList: true, subtree: true });
  drawNew();
})();
