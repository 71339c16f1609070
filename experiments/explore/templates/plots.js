// Plots as SVG: what is drawn is a plain description, so that the picture on the page, the one that
// is saved and the table of its numbers are one thing.
//
// A description has `x` and `y` (label, and min, max and ticks if they do not follow from the data) and
// `series`, each with a `kind`: line, points, columns (`breadth` wide, moved by `shift`), band (y and
// high), image (a grid of colours), or level (a horizontal line at `at`). `high` says how many pixels
// the y axis is long, where the width does not. A series that is thinned for the picture has `whole`,
// which gives all of its points to the table.
(() => {
  const NS = "http://www.w3.org/2000/svg";
  // Colours that stay apart for colour-blind readers (Okabe and Ito 2008), on either ground.
  const PALETTES = {
    light: {
      ground: "#ffffff", ink: "#1b1f24", soft: "#59636e", grid: "#d9dee3",
      colours: ["#0065a8", "#b34700", "#00734f", "#9c3587", "#6b5900"],
    },
    dark: {
      ground: "#14181d", ink: "#e8ecf0", soft: "#a9b4bf", grid: "#39424c",
      colours: ["#63b8f5", "#f59b51", "#4ecfa3", "#e3a0d2", "#e2d05a"],
    },
  };
  Explorer.PALETTES = PALETTES;

  const svg = (tag, attributes, ...children) => {
    const made = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  Explorer.svg = svg;

  const ticksOf = (low, high, count) => {
    const rough = (high - low) / Math.max(count, 1);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((k) => k * power).find((one) => one >= rough * 0.999);
    const ticks = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
      ticks.push(Number((k * step).toPrecision(10)));
    }
    return ticks;
  };

  const tickWords = (tick) => String(tick).replace("-", "−");

  const rangeOf = (axis, values) => {
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (!(low <= high)) [low, high] = [0, 1];
    if (low === high) [low, high] = [low - 0.5, high + 0.5];
    const margin = 0.04 * (high - low);
    return [axis.min ?? low - margin, axis.max ?? high + margin];
  };

  const valuesOf = (spec, along) => {
    const found = [];
    for (const one of spec.series) {
      if (one.kind === "level") {
        if (along === "y") found.push(one.at);
      } else if (one.kind === "image") {
        found.push(...one[along]);
      } else {
        for (const value of one[along]) found.push(value);
        if (along === "y" && one.high) for (const value of one.high) found.push(value);
      }
    }
    return found;
  };

  // Colours of a grid of shares between 0 and 1, from the colour of class 0 to that of class 1.
  const pictureOf = ({ share, columns, rows }, palette) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [columns, rows];
    const pixels = new ImageData(columns, rows);
    const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    const [ground, zero, one] = [palette.ground, ...palette.colours].map(rgb);
    for (let i = 0; i < share.length; i++) {
      const colour = share[i] < 0.5 ? zero : one;
      const strength = 0.1 + 0.34 * Math.abs(2 * share[i] - 1);
      for (let k = 0; k < 3; k++) {
        pixels.data[4 * i + k] = ground[k] + strength * (colour[k] - ground[k]);
      }
      pixels.data[4 * i + 3] = 255;
    }
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas.toDataURL();
  };

  const MARKS = {
    circle: (x, y, r) => svg("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r }),
    square: (x, y, r) =>
      svg("rect", { x: (x - r).toFixed(1), y: (y - r).toFixed(1), width: 2 * r, height: 2 * r }),
    bar: (x, y, r) =>
      svg("rect", { x: (x - 0.6).toFixed(1), y: (y - r).toFixed(1), width: 1.2, height: 2 * r }),
  };

  const pathOf = (xs, ys, toX, toY) => {
    let path = "";
    let pen = false;
    for (let i = 0; i < xs.length; i++) {
      if (!Number.isFinite(ys[i])) {
        pen = false;
        continue;
      }
      path += `${pen ? "L" : "M"}${toX(xs[i]).toFixed(1)} ${toY(ys[i]).toFixed(1)}`;
      pen = true;
    }
    return path;
  };

  const drawOne = (one, colour, toX, toY, area, palette) => {
    if (one.kind === "image") {
      const [left, right] = one.x.map(toX);
      const [bottom, top] = one.y.map(toY);
      const image = svg("image", {
        x: left, y: top, width: right - left, height: bottom - top,
        preserveAspectRatio: "none", href: pictureOf(one, palette),
      });
      return image;
    }
    if (one.kind === "level") {
      const y = toY(one.at);
      return svg("path", {
        d: `M${area.left} ${y}H${area.right}`, stroke: palette.soft, "stroke-dasharray": "5 4", fill: "none",
      });
    }
    if (one.kind === "band") {
      const back = Array.from(one.x).reverse();
      const under = Array.from(one.y).reverse();
      const path = pathOf(one.x, one.high, toX, toY) + pathOf(back, under, toX, toY).replace("M", "L");
      return svg("path", { d: `${path}Z`, fill: colour, "fill-opacity": 0.22, stroke: "none" });
    }
    if (one.kind === "line") {
      return svg("path", {
        d: pathOf(one.x, one.y, toX, toY), fill: "none", stroke: colour, "stroke-width": one.width ?? 1.8,
        "stroke-linejoin": "round", ...(one.dashed ? { "stroke-dasharray": "6 4" } : {}),
      });
    }
    if (one.kind === "columns") {
      const columns = svg("g", { fill: colour });
      for (let i = 0; i < one.x.length; i++) {
        const [left, right] = [-0.5, 0.5].map((k) => toX(one.x[i] + one.shift + k * one.breadth));
        const height = Math.max(toY(0) - toY(one.y[i]), 0);
        columns.append(svg("rect", { x: left.toFixed(1), y: (toY(0) - height).toFixed(1), width: (right - left).toFixed(1), height: height.toFixed(1) }));
      }
      return columns;
    }
    const group = svg("g", { fill: colour, stroke: palette.ground, "stroke-width": one.mark === "bar" ? 0 : 0.8 });
    for (let i = 0; i < one.x.length; i++) {
      if (Number.isFinite(one.y[i])) {
        group.append(MARKS[one.mark ?? "circle"](toX(one.x[i]), toY(one.y[i]), one.size ?? 3));
      }
    }
    return group;
  };

  const legendOf = (named, palette, width, left) => {
    const group = svg("g", {});
    let [x, y] = [left, 14];
    for (const [one, colour] of named) {
      const room = 34 + 6.9 * one.label.length;
      if (x > left && x + room > width) [x, y] = [left, y + 17];
      const sign =
        one.kind === "points" && one.mark !== "bar"
          ? svg("g", { fill: colour }, MARKS[one.mark ?? "circle"](x + 8, y - 4, 4))
          : svg("path", {
              d: `M${x} ${y - 4}h16`, stroke: one.kind === "level" ? palette.soft : colour,
              "stroke-width": one.kind === "band" || one.kind === "columns" ? 9 : 2.4, "stroke-opacity": one.kind === "band" ? 0.35 : 1,
              ...(one.dashed || one.kind === "level" ? { "stroke-dasharray": "5 3" } : {}),
            });
      group.append(sign, svg("text", { x: x + 21, y, fill: palette.ink }, one.label));
      x += room;
    }
    return [group, y];
  };

  // The picture of a description, so many CSS pixels wide.
  Explorer.plot = (spec, width, theme) => {
    const palette = PALETTES[theme];
    const [xLow, xHigh] = rangeOf(spec.x, valuesOf(spec, "x"));
    const [yLow, yHigh] = rangeOf(spec.y, valuesOf(spec, "y"));
    const coloured = spec.series.map((one, i) => [one, palette.colours[(one.colour ?? i) % 5]]);
    const named = coloured.filter(([one]) => one.label && !one.unlisted);
    const left = 58;
    const [legend, legendEnd] = legendOf(named, palette, width - 6, left);
    const top = named.length ? legendEnd + 10 : 10;
    const inner = width - left - 14;
    const high = spec.high ? spec.high : spec.square ? Math.min(inner, 420) : Math.max(150, Math.min(inner * 0.62, 300));
    const area = { left, right: spec.square ? left + high : width - 14, top, bottom: top + high };
    const toX = (x) => area.left + ((x - xLow) / (xHigh - xLow)) * (area.right - area.left);
    const toY = (y) => area.bottom - ((y - yLow) / (yHigh - yLow)) * (area.bottom - area.top);
    const height = area.bottom + 42;
    const picture = svg("svg", {
      xmlns: NS, viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
      "aria-label": spec.title, "font-family": "system-ui, sans-serif", "font-size": 12,
    });
    const clip = `clip-${Math.random().toString(36).slice(2)}`;
    picture.append(
      svg("rect", { width, height, fill: palette.ground }),
      svg("clipPath", { id: clip }, svg("rect", {
        x: area.left, y: area.top, width: area.right - area.left, height: area.bottom - area.top,
      })),
    );
    for (const tick of spec.y.ticks ?? ticksOf(yLow, yHigh, high / 42)) {
      const y = toY(tick);
      picture.append(
        svg("path", { d: `M${area.left} ${y.toFixed(1)}H${area.right}`, stroke: palette.grid }),
        svg("text", { x: left - 7, y: y + 4, "text-anchor": "end", fill: palette.soft }, tickWords(tick)),
      );
    }
    for (const tick of spec.x.ticks ?? ticksOf(xLow, xHigh, (area.right - area.left) / 60)) {
      const x = toX(tick);
      picture.append(
        svg("path", { d: `M${x.toFixed(1)} ${area.bottom}v5`, stroke: palette.soft }),
        svg("text", { x, y: area.bottom + 18, "text-anchor": "middle", fill: palette.soft }, tickWords(tick)),
      );
    }
    const drawn = svg("g", { "clip-path": `url(#${clip})` });
    for (const [one, colour] of coloured) drawn.append(drawOne(one, colour, toX, toY, area, palette));
    picture.append(
      drawn,
      svg("path", {
        d: `M${area.left} ${area.top}V${area.bottom}H${area.right}`, fill: "none", stroke: palette.soft,
      }),
      svg("text", { x: (area.left + area.right) / 2, y: height - 7, "text-anchor": "middle", fill: palette.ink }, spec.x.label),
      svg("text", {
        transform: `translate(13 ${(area.top + area.bottom) / 2}) rotate(-90)`, "text-anchor": "middle", fill: palette.ink,
      }, spec.y.label),
      legend,
    );
    return picture;
  };

  const cell = (value) => {
    const text = String(value);
    // A spreadsheet would run a cell that begins with one of these.
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  };

  // The numbers of a description as a table: one row a point.
  Explorer.csv = (spec) => {
    const rows = spec.table?.() ?? [["series", spec.x.label, spec.y.label, "upper end"]];
    for (const one of spec.series ?? []) {
      if (one.kind === "level") {
        rows.push([one.label, "", one.at, ""]);
      } else if (one.kind === "image") {
        const step = (ends, count, i) => ends[0] + ((i + 0.5) / count) * (ends[1] - ends[0]);
        for (let i = 0; i < one.share.length; i++) {
          const [row, column] = [Math.floor(i / one.columns), i % one.columns];
          const y = step([one.y[1], one.y[0]], one.rows, row);
          rows.push([`${one.label} = ${one.share[i]}`, step(one.x, one.columns, column), y, ""]);
        }
      } else {
        const { x, y, high } = one.whole?.() ?? one;
        for (let i = 0; i < x.length; i++) rows.push([one.label, x[i], y[i], high ? high[i] : ""]);
      }
    }
    return `${rows.map((row) => row.map(cell).join(",")).join("\n")}\n`;
  };
})();
