"use strict";

// The table of layers: sorted by a column, filtered by words, and folded by block. Without this
// script the page shows everything, in the order of the network.
(() => {
  const table = document.getElementById("layer-table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const level = (row) => Number(row.dataset.l || 0);
  const isBlock = (row) => row.classList.contains("b");
  const folded = new Set();
  const filter = document.getElementById("filter");
  const found = document.getElementById("found");
  const MANY = 60;
  let sorted = null;

  // What each row is inside of, and its full name.
  const above = new Map();
  const path = [];
  for (const row of rows) {
    path.length = level(row);
    above.set(row, [...path]);
    path.push(row);
  }
  const own = new Map(rows.map((row) => [row, row.cells[0].textContent]));
  const before = (row) => above.get(row).map((each) => `${own.get(each).replace(/ ×\d+$/, "")}.`);
  const searched = new Map(
    rows.map((row) => [row, `${before(row).join("")}${own.get(row)} ${row.cells[1].textContent}`.toLowerCase()]),
  );

  const value = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    const text = cell.textContent.replace(/,/g, "");
    if (text === "") return null;
    if (/^[\d.]+(×[\d.]+)+$/.test(text)) return text.split("×").reduce((all, each) => all * each, 1);
    const number = parseFloat(text.replace(/^≥ /, ""));
    return Number.isNaN(number) ? text : number;
  };

  // Rows without a value come last, whichever way the others are sorted.
  const compare = (one, other, column, down) => {
    const [a, b] = [value(one, column), value(other, column)];
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
    return down ? -order : order;
  };

  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const isFlat = sorted !== null || words.length > 0;
    table.classList.toggle("flat", isFlat);
    const layers = rows.filter((row) => !isBlock(row));
    let ordered = rows;
    if (sorted) {
      const { column, down } = sorted;
      ordered = [...layers].sort((a, b) => compare(a, b, column, down)).concat(rows.filter(isBlock));
    }
    let count = 0;
    for (const row of ordered) {
      let isShown;
      if (isFlat) {
        isShown = !isBlock(row) && words.every((word) => searched.get(row).includes(word));
      } else {
        isShown = !above.get(row).some((each) => folded.has(each));
      }
      row.hidden = !isShown;
      count += isShown && !isBlock(row);
      const prefix = row.cells[0].querySelector("i");
      if (isFlat && !isBlock(row) && !prefix && above.get(row).length) {
        const text = document.createElement("i");
        text.textContent = before(row).join("");
        row.cells[0].prepend(text);
      } else if (!isFlat && prefix) {
        prefix.remove();
      }
    }
    body.append(...ordered);
    found.textContent = `${count} of ${layers.length} layers shown`;
    for (const row of rows.filter(isBlock)) {
      row.cells[0].firstElementChild.setAttribute("aria-expanded", String(!folded.has(row)));
      row.cells[0].firstElementChild.firstElementChild.textContent = folded.has(row) ? "▸ " : "▾ ";
    }
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      const is = sorted && sorted.column === column;
      cell.lastElementChild.lastElementChild.textContent = is ? (sorted.down ? " ▼" : " ▲") : "";
      if (is) cell.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
  };

  const button = (holder, marks) => {
    const made = document.createElement("button");
    made.type = "button";
    made.append(...holder.childNodes);
    const mark = document.createElement("span");
    mark.setAttribute("aria-hidden", "true");
    made[marks](mark);
    holder.append(made);
    return made;
  };

  for (const row of rows.filter(isBlock)) {
    button(row.cells[0], "prepend").addEventListener("click", () => {
      if (!folded.delete(row)) folded.add(row);
      show();
    });
  }
  [...table.tHead.rows[0].cells].forEach((cell, column) => {
    button(cell, "append").addEventListener("click", () => {
      const isNumber = rows.some((row) => typeof value(row, column) === "number") && column > 1;
      if (!sorted || sorted.column !== column) sorted = { column, down: isNumber };
      else if (sorted.down === isNumber) sorted = { column, down: !isNumber };
      else sorted = null;
      show();
    });
  });
  const foldAll = () => rows.filter(isBlock).forEach((row) => folded.add(row));
  const clicked = (name, action) => document.getElementById(name).addEventListener("click", () => {
    action();
    show();
  });
  const inOrder = () => {
    sorted = null;
    filter.value = "";
  };
  clicked("fold", () => {
    inOrder();
    foldAll();
  });
  clicked("unfold", () => {
    inOrder();
    folded.clear();
  });
  clicked("order", inOrder);
  filter.addEventListener("input", show);
  if (rows.length > MANY) foldAll();
  document.getElementById("tools").hidden = false;
  show();
})();

// A link to the drawing of a block opens it.
(() => {
  const open = () => {
    const target = /^#drawing-\d+$/.test(location.hash) && document.querySelector(location.hash);
    if (target) target.open = true;
  };
  addEventListener("hashchange", open);
  open();
})();
