// A pad for a digit: drawn with a finger or a mouse, or cell by cell with the keyboard. What it gives
// is an image of 8 x 8 levels of ink, made as those of the training set were: a bitmap of 32 x 32,
// and in each square of 4 x 4 the number of pixels with ink.
(() => {
  const CELLS = 8;
  const FINE = 32;
  // Half the breadth of a stroke, in pixels of the bitmap.
  const PEN = 2.2;

  const distance = (x, y, [ax, ay], [bx, by]) => {
    const [dx, dy] = [bx - ax, by - ay];
    const along = dx || dy ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy))) : 0;
    return Math.hypot(x - ax - along * dx, y - ay - along * dy);
  };

  // Strokes moved and scaled so that the digit is as high as the bitmap and stands in its middle.
  const fitted = (strokes) => {
    const points = strokes.flat();
    const ends = (k) => [Math.min(...points.map((p) => p[k])), Math.max(...points.map((p) => p[k]))];
    const [[left, right], [top, bottom]] = [ends(0), ends(1)];
    const scale = (FINE - 2 * PEN) / Math.max(bottom - top, right - left, 1e-6);
    const middle = [(left + right) / 2, (top + bottom) / 2];
    const small = Math.max(bottom - top, right - left) < 1e-6 ? 0 : scale;
    return strokes.map((stroke) => stroke.map((p) => [0, 1].map((k) => FINE / 2 + (p[k] - middle[k]) * small)));
  };

  // The levels, 0 to 16, of strokes: lists of points [x, y] in any measure.
  Explorer.levelsOf = (strokes) => {
    const levels = new Array(CELLS * CELLS).fill(0);
    const drawn = fitted(strokes.filter((stroke) => stroke.length));
    for (let y = 0; y < FINE; y++) {
      for (let x = 0; x < FINE; x++) {
        const inked = drawn.some((stroke) =>
          stroke.some((point, i) => distance(x + 0.5, y + 0.5, stroke[Math.max(i - 1, 0)], point) <= PEN),
        );
        if (inked) levels[Math.floor(y / 4) * CELLS + Math.floor(x / 4)] += 1;
      }
    }
    return levels;
  };

  // In the address a level is one sign: 0 to 9, then a to g.
  Explorer.inkText = (levels) => levels.map((level) => level.toString(17)).join("");
  Explorer.inkLevels = (text) => Array.from(text, (sign) => parseInt(sign, 17));
  Explorer.isInk = (text) => /^[0-9a-g]{64}$/.test(text);

  Explorer.drawingPad = (drawn, theme) => {
    const size = 208;
    const canvas = Explorer.element("canvas", {
      width: size, height: size, class: "pad", tabindex: 0, role: "application",
      "aria-label": "Pad of 8 by 8 cells for a digit. Draw with a finger or the mouse. With the keyboard: arrow keys move, space puts ink into a cell, Delete clears the pad.",
    });
    const pen = canvas.getContext("2d");
    let [levels, strokes, cell, focused] = [new Array(64).fill(0), [], 27, false];

    const paint = () => {
      const palette = Explorer.PALETTES[theme()];
      const side = size / CELLS;
      pen.fillStyle = palette.ground;
      pen.fillRect(0, 0, size, size);
      levels.forEach((level, i) => {
        pen.globalAlpha = level / 16;
        pen.fillStyle = palette.ink;
        pen.fillRect((i % CELLS) * side, Math.floor(i / CELLS) * side, side, side);
      });
      pen.globalAlpha = 1;
      pen.lineWidth = 9;
      pen.lineCap = pen.lineJoin = "round";
      pen.strokeStyle = palette.colours[0];
      for (const stroke of strokes) {
        pen.beginPath();
        stroke.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
        if (stroke.length === 1) pen.lineTo(stroke[0][0] + 0.1, stroke[0][1]);
        pen.stroke();
      }
      if (focused) {
        pen.lineWidth = 3;
        pen.strokeStyle = palette.colours[1];
        pen.strokeRect((cell % CELLS) * side + 2, Math.floor(cell / CELLS) * side + 2, side - 4, side - 4);
      }
    };

    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * size, ((event.clientY - box.top) / box.height) * size];
    };
    let down = false;
    canvas.addEventListener("pointerdown", (event) => {
      down = true;
      canvas.setPointerCapture(event.pointerId);
      levels = new Array(64).fill(0);
      strokes.push([place(event)]);
      paint();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!down) return;
      strokes[strokes.length - 1].push(place(event));
      paint();
    });
    const up = () => {
      if (!down) return;
      down = false;
      drawn(Explorer.levelsOf(strokes), true);
    };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("focus", () => { focused = canvas.matches(":focus-visible"); paint(); });
    canvas.addEventListener("blur", () => { focused = false; paint(); });
    canvas.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -CELLS, ArrowDown: CELLS }[event.key];
      if (move !== undefined) {
        const to = cell + move;
        const sameRow = Math.floor(to / CELLS) === Math.floor(cell / CELLS);
        if (to >= 0 && to < 64 && (Math.abs(move) === CELLS || sameRow)) cell = to;
        focused = true;
        paint();
      } else if (event.key === " ") {
        strokes = [];
        levels = levels.slice();
        levels[cell] = levels[cell] ? 0 : 16;
        drawn(levels, false);
      } else if (event.key === "Delete" || event.key === "Backspace") {
        clear();
      } else return;
      event.preventDefault();
    });
    const clear = () => {
      strokes = [];
      drawn(new Array(64).fill(0), false);
    };

    return {
      root: canvas,
      clear,
      paint,
      // The strokes stay in sight only while they are what the levels were made of.
      show(now, keepStrokes) {
        levels = now;
        if (!keepStrokes) strokes = [];
        paint();
      },
    };
  };
})();
