// The normal deviates of `neurosim.randomness`: a pure function of a row's key, a stream and a step.
// Numbers of 64 bits are kept as two halves of 32, the high one first.
(() => {
  // The high half of the product of two numbers of 32 bits.
  const highOfProduct = (a, b) => {
    const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
    const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
    const other = aLow * bHigh + (middle % 0x10000);
    return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000)) >>> 0;
  };

  const polynomial = (coefficients, x) => {
    let value = coefficients[coefficients.length - 1];
    for (let k = coefficients.length - 2; k >= 0; k--) value = value * x + coefficients[k];
    return value;
  };

  Explorer.normalDeviates = ({ splitMix, normal, stream }) => {
    // The result of the last operation; a pair made anew for each would cost most of the time.
    let [high, low] = [0, 0];
    const multiply = (aHigh, aLow, [bHigh, bLow]) => {
      high = (highOfProduct(aLow, bLow) + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) >>> 0;
      low = Math.imul(aLow, bLow) >>> 0;
    };
    const add = (bHigh, bLow) => {
      const sum = low + bLow;
      high = (high + bHigh + (sum > 0xffffffff ? 1 : 0)) >>> 0;
      low = sum >>> 0;
    };
    const foldBy = (shift) => {
      low = (low ^ ((low >>> shift) | (high << (32 - shift)))) >>> 0;
      high = (high ^ (high >>> shift)) >>> 0;
    };
    const mix = () => {
      foldBy(30);
      multiply(high, low, splitMix.first);
      foldBy(27);
      multiply(high, low, splitMix.second);
      foldBy(31);
    };

    // What the key and the stream alone decide.
    const laneOf = (keyHigh, keyLow) => {
      high = (keyHigh ^ splitMix.lane[0]) >>> 0;
      low = (keyLow ^ splitMix.lane[1]) >>> 0;
      add(0, stream);
      mix();
      return [high, low];
    };

    const around = (keyHigh, keyLow, lane, step) => {
      multiply(0, step, splitMix.gamma);
      add(keyHigh, keyLow);
      mix();
      high = (high ^ lane[0]) >>> 0;
      low = (low ^ lane[1]) >>> 0;
      mix();
      // 53 bits, shifted by half a unit so that neither end can occur.
      return (high * 2 ** 21 + (low >>> 11) + 0.5) * 2 ** -53 - 0.5;
    };

    const normalOf = (q) => {
      if (Math.abs(q) <= 0.425) {
        const r = 0.180625 - q * q;
        return (q * polynomial(normal.a, r)) / polynomial(normal.b, r);
      }
      const s = Math.sqrt(-Math.log(0.5 - Math.abs(q)));
      const size =
        s <= 5
          ? polynomial(normal.c, s - 1.6) / polynomial(normal.d, s - 1.6)
          : polynomial(normal.e, s - 5) / polynomial(normal.f, s - 5);
      return q < 0 ? -size : size;
    };

    // A function from a step to the deviate of the row with this key.
    return (keyHigh, keyLow) => {
      const [keyUp, keyDown] = [keyHigh >>> 0, keyLow >>> 0];
      const lane = laneOf(keyUp, keyDown);
      return (step) => normalOf(around(keyUp, keyDown, lane, step));
    };
  };
})();
