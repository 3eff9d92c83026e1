"use strict";
(function () {  // precision, recall, F1 and the confusion matrix at the threshold that the slider stands at
  const source = document.getElementById("cuts");
  if (!source) return;
  const cuts = JSON.parse(source.textContent);
  const slider = document.getElementById("cut");
  const show = (name, text) => { document.getElementById(name).textContent = text; };
  const gauge = (name, value) => {
    show(name, Number.isFinite(value) ? value.toFixed(4) : "-");
    document.getElementById(name + "-meter").value = Number.isFinite(value) ? value : 0;
  };
  const update = () => {
    const i = Number(slider.value), hit = cuts.hit[i], taken = cuts.taken[i];
    show("cut-value", cuts.threshold[i].toFixed(4));
    slider.setAttribute("aria-valuetext", cuts.threshold[i].toFixed(4));
    gauge("cut-precision", hit / taken);
    gauge("cut-recall", hit / cuts.positive);
    gauge("cut-f1", 2 * hit / (taken + cuts.positive));
    const cells = { hit: hit, missed: cuts.positive - hit, wrong: taken - hit, left: cuts.rows - cuts.positive - taken + hit };
    for (const name in cells) show("cut-" + name, cells[name].toLocaleString("en"));
  };
  slider.addEventListener("input", update);
  update();
})();
