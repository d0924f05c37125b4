"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const make = (tag, text, className) => {
    const node = document.createElement(tag);
    if (text) node.textContent = text; // never as markup: it comes from data
    if (className) node.className = className;
    return node;
  };
  document.documentElement.classList.add("js");

  // The quiz: one item at a time, no answer before the last, then the score with Wilson's interval.

  const Z = 1.959964;

  const wilson = (right, n) => {
    const middle = (right + (Z * Z) / 2) / (n + Z * Z);
    const reach = (Z / (n + Z * Z)) * Math.sqrt((right * (n - right)) / n + (Z * Z) / 4);
    return [Math.max(0, middle - reach), Math.min(1, middle + reach)];
  };

  const shuffled = (items) => {
    const order = [...items];
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  };

  const startQuiz = (data) => {
    const box = byId("quiz-box"), status = byId("quiz-status"), place = byId("quiz-item");
    const answers = byId("quiz-answers"), start = byId("quiz-start"), review = byId("quiz-review");
    let items = [], given = [];
    box.hidden = false;

    const content = (item, alt) => {
      if (data.kind === "image") {
        const image = make("img");
        image.src = item.picture;
        image.alt = alt;
        return image;
      }
      const list = make("dl");
      for (const [name, value] of item.cells) {
        const pair = make("div");
        pair.append(make("dt", name), make("dd", value));
        list.append(pair);
      }
      return list;
    };

    const ask = () => {
      const alt = `Item ${given.length + 1} of ${items.length}`;
      status.textContent = alt + ": real or synthetic?";
      place.replaceChildren(content(items[given.length], alt));
    };

    const score = () => {
      const n = items.length;
      const right = items.filter((item, index) => item.real === given[index]).length;
      const [low, high] = wilson(right, n);
      let needed = Math.ceil(n / 2);
      while (needed < n && wilson(needed, n)[0] <= 0.5) needed++;
      const meaning = low > 0.5
        ? "That is better than chance: you can tell them apart."
        : high < 0.5
          ? "That is worse than chance: you see a difference, but take one for the other."
          : `That is no better than chance; it would take ${needed} right.`;
      const percent = (share) => (100 * share).toFixed(0) + "\u202f%";
      status.textContent = `${right} of ${n} right: ${percent(right / n)}, 95\u202f% interval ${percent(low)} to ${percent(high)}. ${meaning}`;
      box.dataset.right = right;
      answers.hidden = true;
      place.replaceChildren();
      review.classList.toggle("rows", data.kind !== "image");
      review.replaceChildren(...items.map((item, index) => {
        const truth = item.real ? "real" : "synthetic", hit = item.real === given[index];
        const entry = make("li");
        entry.append(content(item, `Item ${index + 1}`), make("span", hit ? `${truth}, right` : `${truth}, missed`, hit ? "" : "wrong"));
        return entry;
      }));
      start.textContent = "Try again";
      start.hidden = false;
      start.focus();
    };

    const answer = (real) => {
      if (answers.hidden) return;
      given.push(real);
      if (given.length < items.length) ask();
      else score();
    };

    start.addEventListener("click", () => {
      items = shuffled(data.items);
      given = [];
      review.replaceChildren();
      delete box.dataset.right;
      start.hidden = true;
      answers.hidden = false;
      ask();
      box.focus();
    });
    byId("quiz-real").addEventListener("click", () => answer(true));
    byId("quiz-synthetic").addEventListener("click", () => answer(false));
    // Only while the focus is in the quiz, so that no key is taken from the reader anywhere else.
    box.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      const real = { r: true, arrowleft: true, s: false, arrowright: false }[event.key.toLowerCase()];
      if (real === undefined || answers.hidden) return;
      event.preventDefault();
      answer(real);
    });
  };

  if (byId("quiz-data")) startQuiz(JSON.parse(byId("quiz-data").textContent));

  // The walk: one slider for all classes, over sheets of frames.

  const startWalks = (figures) => {
    const slider = byId("walk-at"), play = byId("walk-play");
    const last = Math.max(...figures.map((figure) => Number(figure.dataset.n))) - 1;
    let timer = 0;
    slider.max = last;

    const screens = figures.map((figure) => {
      const { n, columns, width, height, gutter } = Object.fromEntries(
        Object.entries(figure.dataset).map(([key, value]) => [key, Number(value)]));
      const film = figure.querySelector("img"), canvas = make("canvas");
      canvas.width = width;
      canvas.height = height;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", film.alt);
      figure.prepend(canvas);
      const brush = canvas.getContext("2d");
      return () => {
        const frame = Math.round((slider.value / Math.max(1, last)) * (n - 1));
        const x = (frame % columns) * (width + gutter), y = Math.floor(frame / columns) * (height + gutter);
        brush.clearRect(0, 0, width, height);
        brush.drawImage(film, x, y, width, height, 0, 0, width, height);
      };
    });

    const show = () => {
      slider.setAttribute("aria-valuetext", `frame ${Number(slider.value) + 1} of ${last + 1}`);
      screens.forEach((draw) => draw());
    };
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Play";
      play.setAttribute("aria-pressed", "false");
    };
    play.addEventListener("click", () => {
      if (timer) return stop();
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      timer = setInterval(() => {
        slider.value = (Number(slider.value) + 1) % (last + 1);
        show();
      }, calm ? 1500 : 160);
      play.textContent = "Pause";
      play.setAttribute("aria-pressed", "true");
    });
    slider.addEventListener("input", () => { stop(); show(); });
    Promise.all(figures.map((figure) => figure.querySelector("img").decode())).then(() => {
      show();
      byId("player").hidden = false;
    });
  };

  const figures = [...document.querySelectorAll(".walk")];
  if (figures.length) startWalks(figures);
})();
