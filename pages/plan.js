(() => {
  const form = document.querySelector("form.filters");
  const rows = [...document.querySelectorAll(".rows li")];
  const parts = [...document.querySelectorAll("section.part")];
  const fields = [...form.querySelectorAll("select, input")];
  const fits = (row) => fields.every(({ name, value }) =>
    !value || (name === "server" ? row.dataset.server.includes(value.trim().toLowerCase()) : row.dataset[name] === value));
  const show = () => {
    for (const row of rows) row.hidden = !fits(row);
    for (const part of parts) part.hidden = !part.querySelector(".rows li:not([hidden])");
    const shown = rows.filter((row) => !row.hidden).length;
    form.querySelector("output").textContent = `${shown} of ${rows.length} rows`;
  };
  const read = () => {
    const wanted = new URLSearchParams(location.hash.slice(1));
    for (const field of fields) field.value = wanted.get(field.name) ?? "";
    for (const field of fields) if (field.selectedIndex === -1) field.value = "";
    show();
  };
  form.addEventListener("input", () => {
    const chosen = fields.filter((field) => field.value).map((field) => [field.name, field.value]);
    history.replaceState(null, "", "#" + new URLSearchParams(chosen));
    show();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", read);
  form.hidden = false;
  read();
})();
