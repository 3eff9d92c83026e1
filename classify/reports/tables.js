"use strict";
(function () {
  const said = (row, i) => row.cells[i].textContent.trim();
  const first = (row, i) => (row.cells[i].firstChild ? row.cells[i].firstChild.textContent.trim() : "");  // no interval
  const number = (text) => Number(text.replace(/[,<%\s]/g, ""));

  function sortable(table) {  // a press on a header sorts, the next one the other way round; numbers fall at first
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    const sort = (i) => {
      const rows = [...body.rows].map((row) => [first(row, i), row]);
      const numbers = rows.every(([text]) => text === "-" || !Number.isNaN(number(text)));
      const before = heads[i].getAttribute("aria-sort");
      const up = before ? before === "descending" : !numbers;
      for (const other of heads) other.removeAttribute("aria-sort");
      heads[i].setAttribute("aria-sort", up ? "ascending" : "descending");
      const order = (a, b) => (numbers ? number(a) - number(b) : a.localeCompare(b));
      rows.sort(([a], [b]) => (a === "-") - (b === "-") || (up ? 1 : -1) * order(a, b));
      body.append(...rows.map(([, row]) => row));
    };
    heads.forEach((head, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(i));
      head.append(button);
    });
    const choice = document.createElement("select");  // where the page is narrow the headers are not seen
    choice.append(new Option("as listed", ""), ...heads.map((head, i) => new Option(head.textContent, i)));
    choice.addEventListener("change", () => { if (choice.value) sort(Number(choice.value)); });
    const label = document.createElement("label");
    label.className = "narrow screen";
    label.append("Sorted by ", choice);
    table.parentElement.before(label);
  }

  function filters(form) {  // rows that have the text, the class and a length between the two; and how many these are
    const body = document.getElementById(form.dataset.table).tBodies[0];
    const fields = [...form.querySelectorAll("[data-column]")], count = form.querySelector("output");
    const fits = (row, field) => {
      const wanted = field.value, cell = said(row, Number(field.dataset.column));
      if (wanted === "") return true;
      if (field.type === "search") return cell.toLowerCase().includes(wanted.toLowerCase());
      if (field.tagName === "SELECT") return cell === wanted.trim() || cell.split(", ").includes(wanted);
      return field.dataset.end === "low" ? number(cell) >= Number(wanted) : number(cell) <= Number(wanted);
    };
    const update = () => {
      let left = 0;
      for (const row of body.rows) {
        row.hidden = !fields.every((field) => fits(row, field));
        left += !row.hidden;
      }
      count.textContent = `${left} of ${body.rows.length} rows`;
    };
    form.addEventListener("input", update);
    update();
  }

  document.querySelectorAll("table.sortable").forEach(sortable);
  document.querySelectorAll(".filters").forEach(filters);
})();
