"use strict";
(function () {
  const source = document.getElementById("map-data");
  if (!source) return;
  const data = JSON.parse(source.textContent), n = data.line.length;
  const figure = document.querySelector(".map"), canvas = figure.querySelector("canvas"), tip = figure.querySelector(".tip");
  const part = (name) => figure.querySelector(`[name="${name}"]`);
  const color = part("color"), only = part("only"), ring = part("ring"), find = part("find");
  const legend = figure.querySelector(".legend"), told = document.getElementById("spot");
  const numbers = (name, Kind) => new Kind(Uint8Array.from(atob(data[name]), (c) => c.charCodeAt(0)).buffer);
  const x = numbers("x", Uint16Array), y = numbers("y", Uint16Array), flag = numbers("flag", Uint8Array);
  const label = numbers("label", Uint16Array), given = numbers("given", Uint16Array), sure = numbers("sure", Uint8Array);
  const kind = { truth: numbers("truth", Uint8Array), predicted: numbers("predicted", Uint8Array) };
  const WRONG = 1, ALONE = 2, ASTRAY = 4, EDGE = 14, STEPS = 8, FAR = 40;
  const rank = (i) => (data.kinds[kind.truth[i]] === null ? 0 : 2) + (flag[i] & WRONG);  // the last one lies on top
  const order = Uint32Array.from(Array(n).keys())
    .sort((a, b) => rank(a) - rank(b) || a - b);
  let view = { k: 1, x: 0, y: 0 }, wide = 0, high = 0, scale = 1, chosen = -1, shown = new Uint8Array(n).fill(1);

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const place = (i) => [view.x + view.k * (EDGE + x[i] / 65535 * (wide - 2 * EDGE)),
                        view.y + view.k * (high - EDGE - y[i] / 65535 * (high - 2 * EDGE))];
  const inside = (px, py) => px > -9 && py > -9 && px < wide + 9 && py < high + 9;
  const mix = (a, b, share) => "#" + [1, 3, 5].map((i) => Math.round(
    parseInt(a.slice(i, i + 2), 16) * (1 - share) + parseInt(b.slice(i, i + 2), 16) * share).toString(16).padStart(2, "0")).join("");

  function shades() {  // of the chosen way to colour: the colour and name of each group, and the group of each row
    const muted = css("--muted"), group = new Uint8Array(n);
    if (color.value === "error") {
      for (let i = 0; i < n; i++) group[i] = flag[i] & WRONG;
      return { group, names: ["right", "wrong"], colors: [css("--s5"), css("--s1")] };
    }
    if (color.value === "sure") {
      for (let i = 0; i < n; i++) group[i] = Math.min(STEPS - 1, sure[i] * STEPS >> 8);
      const name = (i) => (i === 0 ? "unsure" : i === STEPS - 1 ? "sure" : "");
      return { group, names: [...Array(STEPS).keys()].map(name),
               colors: [...Array(STEPS).keys()].map((i) => mix(css("--s1"), css("--s0"), i / (STEPS - 1))) };
    }
    const names = data.kinds.map((name) => name === null ? (data.several ? "(none)" : "others") : name);
    return { group: kind[color.value], names, colors: data.kinds.map((name, i) => name === null ? muted : css(`--s${i}`)) };
  }

  function shape(pen, number, r) {  // groups differ in shape too: circle, square, triangle up and down
    pen.beginPath();
    if (number % 4 === 0) pen.arc(0, 0, r, 0, 7);
    else if (number % 4 === 1) pen.rect(-r * 0.9, -r * 0.9, r * 1.8, r * 1.8);
    else {
      const up = number % 4 === 2 ? 1 : -1;
      pen.moveTo(-r * 1.1, up * r); pen.lineTo(r * 1.1, up * r); pen.lineTo(0, -up * r * 1.2); pen.closePath();
    }
  }

  function sprite(number, fill, r) {  // drawn once, then stamped: twenty thousand of them take some milliseconds
    const stamp = document.createElement("canvas"), size = Math.ceil(4 * r * scale);
    stamp.width = stamp.height = size;
    const pen = stamp.getContext("2d");
    pen.translate(size / 2, size / 2);
    pen.scale(scale, scale);
    pen.fillStyle = fill;
    shape(pen, number, r);
    pen.fill();
    return stamp;
  }

  function draw() {
    const pen = canvas.getContext("2d"), look = shades(), ink = css("--ink"), shapes = color.value !== "sure";
    const r = Math.max(2, Math.min(4.2, 26 / Math.sqrt(Math.sqrt(n)))) * Math.min(1.6, view.k ** 0.25) * (n > 3000 ? 0.8 : 1);
    const stamps = look.colors.map((fill, i) => sprite(shapes ? i : 0, fill, r));
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, wide, high);
    const stamped = (i, alpha) => {
      const [px, py] = place(i), stamp = stamps[look.group[i]], size = stamp.width / scale;
      pen.globalAlpha = alpha;
      if (inside(px, py)) pen.drawImage(stamp, px - size / 2, py - size / 2, size, size);
    };
    for (const i of order) if (!shown[i]) stamped(i, 0.07);
    for (const i of order) if (shown[i]) stamped(i, 0.65);
    pen.globalAlpha = 1;
    pen.strokeStyle = ink;
    pen.lineWidth = 1.2;
    const wanted = { odd: ALONE | ASTRAY, wrong: WRONG, none: 0 }[ring.value];
    for (const i of order) {
      if (!shown[i] || !(flag[i] & wanted)) continue;
      const [px, py] = place(i);
      pen.setLineDash(ring.value === "odd" && !(flag[i] & ASTRAY) ? [2, 2] : []);
      pen.beginPath();
      pen.arc(px, py, r + 2, 0, 7);
      pen.stroke();
    }
    pen.setLineDash([]);
    if (chosen >= 0) {
      const [px, py] = place(chosen);
      pen.lineWidth = 2.5;
      pen.beginPath();
      pen.arc(px, py, r + 5, 0, 7);
      pen.stroke();
    }
    explain(look);
  }

  function explain(look) {  // the legend, with how many rows there are of each group
    const counts = new Uint32Array(look.names.length);
    for (let i = 0; i < n; i++) counts[look.group[i]] += shown[i];
    const forms = color.value === "sure" ? "●●●●" : "●■▲▼";
    legend.replaceChildren(...look.names.map((name, i) => {
      const entry = document.createElement("span"), mark = document.createElement("span");
      mark.className = "mark";
      mark.style.color = look.colors[i];
      mark.textContent = forms[i % 4];
      entry.append(mark, color.value === "sure" ? name : `${name} (${counts[i].toLocaleString("en")})`);
      return entry;
    }));
  }

  function words(i) {
    const parts = [`line ${data.line[i]}: ${data.answers[label[i]]}`];
    parts[0] += flag[i] & WRONG ? `, predicted as ${data.answers[given[i]]}` : ", predicted right";
    parts[0] += ` (${(sure[i] / 255).toFixed(2)})`;
    if (flag[i] & ALONE) parts.push("Alone: far from its nearest neighbours.");
    if (flag[i] & ASTRAY) parts.push("Its neighbours are of one other class.");
    if (data.text) parts.push(data.text[i]);
    return parts.join("\n");
  }

  function nearest(px, py, reach) {
    let best = -1, least = reach ** 2;
    for (let i = 0; i < n; i++) {
      if (!shown[i]) continue;
      const [ax, ay] = place(i), off = (ax - px) ** 2 + (ay - py) ** 2;
      if (off < least) { best = i; least = off; }
    }
    return best;
  }

  function hint(i) {  // the text beside the row that is pointed at
    tip.hidden = i < 0;
    if (i < 0) return;
    tip.textContent = words(i);
    const [px, py] = place(i);
    tip.style.left = `${Math.max(0, Math.min(px + 12, wide - tip.offsetWidth - 4))}px`;
    tip.style.top = `${py + 14 + tip.offsetHeight > high ? Math.max(0, py - 14 - tip.offsetHeight) : py + 14}px`;
  }

  function choose(i) {
    chosen = i;
    told.textContent = i < 0 ? told.dataset.idle : words(i);
    draw();
  }

  function zoom(factor, px = wide / 2, py = high / 2) {
    const k = Math.min(40, Math.max(1, view.k * factor)), f = k / view.k;
    move(k, px - f * (px - view.x), py - f * (py - view.y));
  }

  function move(k, ox, oy) {  // what is drawn never leaves the frame
    view = { k, x: Math.min(0, Math.max(wide * (1 - k), ox)), y: Math.min(0, Math.max(high * (1 - k), oy)) };
    canvas.style.touchAction = k > 1 ? "none" : "pan-y";
    canvas.dataset.zoom = k.toFixed(2);
    tip.hidden = true;
    draw();
  }

  function step(dx, dy) {  // from the chosen row to the nearest one on this side
    if (chosen < 0) return choose(nearest(wide / 2, high / 2, wide + high));
    const [px, py] = place(chosen);
    let best = -1, least = Infinity;
    for (let i = 0; i < n; i++) {
      if (!shown[i] || i === chosen) continue;
      const [ax, ay] = place(i), along = (ax - px) * dx + (ay - py) * dy, across = Math.abs((ax - px) * dy - (ay - py) * dx);
      if (along > 0.5 && across <= along && along + across < least) { best = i; least = along + across; }
    }
    if (best < 0) return;
    const [ax, ay] = place(best);
    if (!inside(ax, ay)) move(view.k, view.x + wide / 2 - ax, view.y + high / 2 - ay);
    choose(best);
  }

  function select() {
    const text = find.value.toLowerCase(), [what, name] = only.value.split(/:(.*)/s);
    for (let i = 0; i < n; i++) {
      const fits = what === "all" || what === "wrong" && flag[i] & WRONG || what === "odd" && flag[i] & (ALONE | ASTRAY)
        || what === "class" && (data.several ? data.answers[label[i]].split(", ").includes(name) : data.answers[label[i]] === name);
      shown[i] = fits && (!text || data.text && data.text[i].toLowerCase().includes(text)) ? 1 : 0;
    }
    draw();
  }

  function size() {
    wide = canvas.clientWidth;
    high = canvas.clientHeight;
    scale = Math.max(1, window.devicePixelRatio || 1);
    canvas.width = Math.round(wide * scale);
    canvas.height = Math.round(high * scale);
    move(view.k, view.x, view.y);
  }

  const fingers = new Map();
  let from = null, apart = 0;
  const at = (event) => [event.clientX - canvas.getBoundingClientRect().x, event.clientY - canvas.getBoundingClientRect().y];
  canvas.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, at(event));
    from = fingers.size === 1 ? { at: at(event), view: { ...view }, moved: false } : null;
    const [a, b] = [...fingers.values()];
    apart = b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 0;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [px, py] = at(event);
    if (!fingers.has(event.pointerId)) return hint(event.pointerType === "mouse" ? nearest(px, py, 14) : -1);
    fingers.set(event.pointerId, [px, py]);
    const [a, b] = [...fingers.values()];
    if (b) {
      const now = Math.hypot(a[0] - b[0], a[1] - b[1]);
      zoom(now / apart, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
      apart = now;
    } else if (from && Math.hypot(px - from.at[0], py - from.at[1]) > 4) {
      from.moved = true;
      move(from.view.k, from.view.x + px - from.at[0], from.view.y + py - from.at[1]);
    }
  });
  const lift = (event) => {
    if (event.type === "pointerup" && from && !from.moved) {  // a finger is less exact than a mouse
      choose(nearest(...at(event), event.pointerType === "mouse" ? 14 : FAR));
    }
    fingers.delete(event.pointerId);
    from = null;
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => hint(-1));
  canvas.addEventListener("wheel", (event) => {  // only once the map was clicked: else the page would be caught in it
    if (document.activeElement !== canvas && !event.ctrlKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), ...at(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const keys = {
      ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0), ArrowUp: () => step(0, -1), ArrowDown: () => step(0, 1),
      "+": () => zoom(1.5, ...(chosen < 0 ? [] : place(chosen))), "-": () => zoom(1 / 1.5), 0: () => move(1, 0, 0),
      Escape: () => choose(-1),
    };
    keys["="] = keys["+"];
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  part("in").addEventListener("click", () => zoom(1.5));
  part("out").addEventListener("click", () => zoom(1 / 1.5));
  part("whole").addEventListener("click", () => move(1, 0, 0));
  for (const field of [color, ring]) field.addEventListener("input", draw);
  for (const field of [only, find]) field.addEventListener("input", select);
  new ResizeObserver(size).observe(canvas);
  const root = document.documentElement;  // paper is white, whatever the screen is
  window.addEventListener("beforeprint", () => { root.classList.add("paper"); draw(); });
  window.addEventListener("afterprint", () => { root.classList.remove("paper"); draw(); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  size();
})();
