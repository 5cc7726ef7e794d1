"use strict";
// Makes the page answer: a moment to choose, a measure to choose, tables to sort. Without it everything stands there as it is.
(() => {
  const WIDE = 1000, TALL = 200;
  document.documentElement.classList.add("scripted");

  // As `format_time` in text.py
  const formatTime = (seconds) => {
    const tenths = Math.round(Math.abs(seconds) * 10);
    const minutes = Math.floor(tenths / 600), rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
    const hours = Math.floor(minutes / 60);
    const text = hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
    return seconds < 0 ? `-${text}` : text;
  };

  // As `choose_top` in charts.py
  const chooseTop = (values, unit) => {
    if (unit === "°") return 180;
    const largest = values.reduce((most, value) => (value !== null && value > most ? value : most), 0);
    const decade = 10 ** Math.floor(Math.log10(Math.max(largest, 1e-3)));
    return [1, 1.5, 2, 3, 4, 5, 6, 8, 9, 10].map((factor) => factor * decade).find((top) => top >= largest);
  };

  // As `trace_curve` in charts.py
  const traceCurve = (data, one, values, top) => {
    const scale = WIDE / Math.max(data.end - data.start, 1e-9);
    let path = "", last = -Infinity;
    values.forEach((value, n) => {
      if (value === null) return;
      const time = one.t[n] / 100;
      const at = `${((time - data.start) * scale).toFixed(1)} ${(TALL - (TALL * Math.min(value, top)) / top).toFixed(1)}`;
      path += time - last > data.gap ? `M${at}h0` : `L${at}`;
      last = time;
    });
    return path;
  };

  const chooseTicks = (top) => {
    const decade = 10 ** Math.floor(Math.log10(top / 6));
    const step = [1, 2, 5, 10, 20].map((factor) => factor * decade).find((s) => top / s <= 5);
    return Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, n) => n * step);
  };

  const showMeasure = (motion, data, measure) => {
    const unit = data.units[measure];
    const top = chooseTop(data.series.flatMap((one) => one.v[measure]), unit);
    const scale = motion.querySelector(".scale"), rules = motion.querySelector(".rules");
    scale.replaceChildren();
    rules.replaceChildren();
    for (const tick of chooseTicks(top)) {
      const mark = document.createElement("span");
      mark.style.bottom = `${(100 * tick) / top}%`;
      mark.textContent = String(Number(tick.toPrecision(6)));
      scale.append(mark);
      const rule = document.createElementNS("http://www.w3.org/2000/svg", "path");
      rule.setAttribute("class", "rule");
      rule.setAttribute("d", `M0 ${TALL - (TALL * tick) / top}H${WIDE}`);
      rules.append(rule);
    }
    motion.querySelector(".unit").textContent = unit;
    motion.querySelector(".only b").textContent = data.names[measure];
    motion.querySelector("svg").setAttribute("aria-label", `${data.names[measure]}, ${unit}; the table below sums it up`);
    for (const one of data.series) {
      const values = one.v[measure], known = values.filter((value) => value !== null);
      motion.querySelector(`.lines [data-id="${one.id}"]`).setAttribute("d", traceCurve(data, one, values, top));
      const sums = known.length
        ? [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => a + b) / known.length, known.reduce((a, b) => Math.max(a, b))]
        : [null, null, null];
      motion.querySelectorAll(`.legend [data-id="${one.id}"] td`).forEach((cell, n) => {
        cell.textContent = sums[n] === null ? "–" : Math.round(sums[n]).toLocaleString("en");
      });
    }
  };

  const showMoment = (article, data, time) => {
    const slider = article.querySelector(".at input");
    const start = Number(slider.min), end = Number(slider.max);
    slider.value = String(time);
    slider.setAttribute("aria-valuetext", formatTime(time));
    article.querySelector(".at output").textContent = formatTime(time);
    article.style.setProperty("--at", `${(100 * (Math.min(Math.max(time, start), end) - start)) / Math.max(end - start, 1e-9)}%`);
    const now = article.querySelector(".now");
    if (!now || !data) return;
    now.replaceChildren();
    for (const one of data.series) {
      let near = 0;
      one.t.forEach((t, n) => { if (Math.abs(t / 100 - time) < Math.abs(one.t[near] / 100 - time)) near = n; });
      if (one.xy[0][near] === null || Math.abs(one.t[near] / 100 - time) > data.gap) continue;
      const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      dot.setAttribute("cx", one.xy[0][near]);
      dot.setAttribute("cy", one.xy[1][near]);
      dot.setAttribute("r", now.dataset.r);
      dot.style.setProperty("--h", String(Math.round(one.id * 137.5) % 360));
      now.append(dot);
    }
  };

  for (const article of document.querySelectorAll("article")) {
    const motion = article.querySelector(".motion"), slider = article.querySelector(".at input");
    const data = motion && JSON.parse(motion.querySelector('script[type="application/json"]').textContent);
    if (motion) {
      const select = motion.querySelector("select");
      select.addEventListener("change", () => showMeasure(motion, data, Number(select.value)));
      if (!select.options[select.selectedIndex].defaultSelected) showMeasure(motion, data, Number(select.value)); // kept on reload
      for (const row of motion.querySelectorAll(".legend tbody tr")) {
        row.querySelector("input").addEventListener("change", (event) => {
          motion.querySelector(`.lines [data-id="${row.dataset.id}"]`).style.display = event.target.checked ? "" : "none";
        });
      }
    }
    if (!slider) continue;
    slider.addEventListener("input", () => showMoment(article, data, Number(slider.value)));
    for (const plot of article.querySelectorAll(".plot")) {
      plot.addEventListener("click", (event) => {
        const box = plot.getBoundingClientRect(), share = (event.clientX - box.left) / box.width;
        showMoment(article, data, Number(slider.min) + share * (Number(slider.max) - Number(slider.min)));
      });
    }
    for (const link of article.querySelectorAll(".moment")) {
      link.addEventListener("click", () => showMoment(article, data, Number(link.dataset.t)));
    }
  }

  for (const table of document.querySelectorAll(".sortable")) {
    const heads = [...table.querySelectorAll("thead th")], body = table.tBodies[0];
    heads.forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const key = (row) => row.cells[column].dataset.v;
        const rows = [...body.rows].sort((a, b) => {
          const one = key(a), other = key(b);
          if (one === undefined) return (up ? 1 : -1) * a.cells[column].textContent.localeCompare(b.cells[column].textContent);
          if (one === "" || other === "") return (one === "") - (other === ""); // what is not known stands last
          return (up ? 1 : -1) * (Number(one) - Number(other));
        });
        body.append(...rows);
      });
    });
  }
})();
