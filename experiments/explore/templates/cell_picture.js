// The drawn cell at one moment, coloured by the potential along it: the whole of it, and what lies
// around the soma enlarged.
(() => {
  const { said } = Explorer;
  const SIGNS = { excitatory: "+", inhibitory: "−" };
  // Half of the width of what is enlarged, in µm.
  const NEAR = 75;

  const colourOf = (colours, share) => {
    const at = Math.min(Math.max(share, 0), 1) * (colours.length - 1);
    const k = Math.min(Math.floor(at), colours.length - 2);
    const mixed = colours[k].map((one, c) => Math.round(one + (at - k) * (colours[k + 1][c] - one)));
    return `rgb(${mixed.join(",")})`;
  };

  // A frustum as a polygon, at least so many pixels wide.
  const corners = ([x0, y0, x1, y1, d0, d1], { toX, toY, scale }, least, more = 0) => {
    const [ax, ay, bx, by] = [toX(x0), toY(y0), toX(x1), toY(y1)];
    const length = Math.hypot(bx - ax, by - ay) || 1;
    const [nx, ny] = [-(by - ay) / length, (bx - ax) / length];
    const half = [d0, d1].map((d) => Math.max(d * scale, least) / 2 + more);
    return [
      [ax + nx * half[0], ay + ny * half[0]], [bx + nx * half[1], by + ny * half[1]],
      [bx - nx * half[1], by - ny * half[1]], [ax - nx * half[0], ay - ny * half[0]],
    ].map((point) => point.map((one) => one.toFixed(1)).join(",")).join(" ");
  };

  const boxOf = (pieces) => {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const [x0, y0, x1, y1, d0, d1] of pieces) {
      const r = Math.max(d0, d1) / 2;
      box[0] = Math.min(box[0], x0 - r, x1 - r);
      box[1] = Math.min(box[1], y0 - r, y1 - r);
      box[2] = Math.max(box[2], x0 + r, x1 + r);
      box[3] = Math.max(box[3], y0 + r, y1 + r);
    }
    return box;
  };

  // How a box of the cell stands in a rectangle of the picture; y points upwards in the cell.
  const fitted = ([x0, y0, x1, y1], [left, top, right, bottom]) => {
    const scale = Math.min((right - left) / (x1 - x0), (bottom - top) / (y1 - y0));
    const toX = (x) => (left + right) / 2 + (x - (x0 + x1) / 2) * scale;
    const toY = (y) => (top + bottom) / 2 - (y - (y0 + y1) / 2) * scale;
    return { toX, toY, scale, area: [left, top, right, bottom] };
  };

  const roundLength = (wanted) => {
    const power = 10 ** Math.floor(Math.log10(wanted));
    return [5, 2, 1].map((k) => k * power).find((one) => one <= wanted * 1.0001);
  };

  Explorer.middleOf = (shape, compartment) => {
    const own = shape.pieces.filter((piece) => piece[6] === compartment);
    const mean = (of) => own.reduce((sum, piece) => sum + of(piece), 0) / own.length;
    return [mean((piece) => (piece[0] + piece[2]) / 2), mean((piece) => (piece[1] + piece[3]) / 2)];
  };

  // `spec` has title, shape, colours, limits (mV), marks [{kind, compartment, count}], and
  // `potentials()`, the potential of each compartment (mV) at the moment that is shown.
  Explorer.cellPicture = (spec, width, theme) => {
    const palette = Explorer.PALETTES[theme];
    const { svg } = Explorer;
    const { pieces } = spec.shape;
    const box = boxOf(pieces);
    const side = width >= 620;
    const wide = side ? width - 290 : width;
    const high = Math.min(Math.max((wide - 12) * ((box[3] - box[1]) / (box[2] - box[0])), 120), 460);
    const near = side ? [width - 262, 26, width - 2, 26 + Math.min(high, 260)] : [2, high + 76, width - 2, high + 276];
    const bottom = side ? Math.max(26 + high, near[3]) + 28 : near[3];
    const height = bottom + 62;
    const picture = svg("svg", {
      xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": spec.title,
      "font-family": "system-ui, sans-serif", "font-size": 12,
    });
    picture.append(svg("rect", { width, height, fill: palette.ground }));
    const root = pieces[pieces.length - 1];
    const [cx, cy] = [(root[0] + root[2]) / 2, (root[1] + root[3]) / 2];
    const shown = [near[2] - near[0], near[3] - near[1]].map((size, _, [w, h]) => (NEAR * size) / Math.min(w, h));
    const panels = [
      { words: "the whole cell", view: fitted(box, [6, 26, wide - 6, 26 + high]), least: 3, clip: [0, 20, wide, 32 + high] },
      { words: "around the soma, enlarged", view: fitted([cx - shown[0], cy - shown[1], cx + shown[0], cy + shown[1]], near), least: 4, clip: near },
    ];
    const coloured = [];
    for (const { words, view, least, clip } of panels) {
      const [left, top, right, low] = clip;
      const name = `clip-${Math.random().toString(36).slice(2)}`;
      const layer = svg("g", { "clip-path": `url(#${name})` });
      picture.append(svg("clipPath", { id: name }, svg("rect", { x: left, y: top, width: right - left, height: low - top })));
      // What lies under the colours makes dark ones stand out on a dark ground.
      for (const piece of pieces) layer.append(svg("polygon", { points: corners(piece, view, least, 1.1), fill: palette.soft }));
      for (const piece of pieces) {
        const drawn = svg("polygon", { points: corners(piece, view, least), "stroke-width": 0.5 });
        coloured.push([drawn, piece[6]]);
        layer.append(drawn);
      }
      for (const mark of spec.marks) {
        const [x, y] = Explorer.middleOf(spec.shape, mark.compartment);
        const [px, py] = [view.toX(x) + (mark.kind === "excitatory" ? -12 : 12), view.toY(y)];
        layer.append(
          svg("circle", { cx: px, cy: py, r: 9, fill: palette.ground, stroke: palette.ink, "stroke-width": 1.2 }),
          svg("text", { x: px, y: py + 4, "text-anchor": "middle", "font-size": 10, "font-weight": 600, fill: palette.ink },
            `${SIGNS[mark.kind]}${mark.count > 1 ? mark.count : ""}`),
        );
      }
      if (clip === near) {
        layer.append(svg("rect", { x: left + 0.5, y: top + 0.5, width: right - left - 1, height: low - top - 1, fill: "none", stroke: palette.soft }));
      }
      const bar = roundLength((right - left) / 5 / view.scale);
      const y = clip === near ? top + 14 : low + 10;
      picture.append(
        layer,
        svg("text", { x: left + 4, y: top - 7, fill: palette.soft }, words),
        svg("path", { d: `M${left + 8} ${y}h${(bar * view.scale).toFixed(1)}`, stroke: palette.ink, "stroke-width": 2 }),
        // What lies under the words is kept away from them.
        svg("text", {
          x: left + 14 + bar * view.scale, y: y + 4, fill: palette.ink, stroke: palette.ground, "stroke-width": 4, "paint-order": "stroke",
        }, `${bar} µm`),
      );
    }
    // The colour bar, in steps.
    const [from, to, steps] = [12, Math.min(width - 12, 360), 48];
    for (let k = 0; k < steps; k++) {
      const x = from + (k * (to - from)) / steps;
      picture.append(svg("rect", {
        x: x.toFixed(1), y: bottom + 14, width: ((to - from) / steps + 0.5).toFixed(1), height: 12, fill: colourOf(spec.colours, (k + 0.5) / steps),
      }));
    }
    const [least, most] = spec.limits;
    const every = most - least > 100 ? 40 : 20;
    for (let tick = Math.ceil(least / every) * every; tick <= most; tick += every) {
      const x = from + ((tick - least) / (most - least)) * (to - from);
      picture.append(
        svg("path", { d: `M${x.toFixed(1)} ${bottom + 26}v4`, stroke: palette.soft }),
        svg("text", { x, y: bottom + 42, "text-anchor": "middle", fill: palette.soft }, said(tick)),
      );
    }
    picture.append(svg("text", { x: from, y: bottom + 57, fill: palette.ink }, "membrane potential (mV)"));
    picture.panels = panels;
    picture.paint = () => {
      const now = spec.potentials();
      for (const [drawn, compartment] of coloured) {
        const colour = colourOf(spec.colours, (now[compartment] - least) / (most - least));
        drawn.setAttribute("fill", colour);
        // Closes the seam to the next piece.
        drawn.setAttribute("stroke", colour);
      }
      picture.setAttribute("aria-label", spec.title);
    };
    picture.paint();
    return picture;
  };

  // Which of some compartments lies nearest to a point of the picture; -1 if none lies near.
  Explorer.nearestOf = (picture, shape, compartments, x, y) => {
    let [nearest, least] = [-1, 16];
    for (const { view, clip } of picture.panels) {
      if (x < clip[0] || x > clip[2] || y < clip[1] || y > clip[3]) continue;
      for (const piece of shape.pieces) {
        if (!compartments.includes(piece[6])) continue;
        const [ax, ay, bx, by] = [view.toX(piece[0]), view.toY(piece[1]), view.toX(piece[2]), view.toY(piece[3])];
        const length = (bx - ax) ** 2 + (by - ay) ** 2 || 1;
        const along = Math.min(Math.max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0), 1);
        const away = Math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)) - (piece[4] * view.scale) / 2;
        if (away < least) [nearest, least] = [piece[6], away];
      }
    }
    return nearest;
  };
})();
