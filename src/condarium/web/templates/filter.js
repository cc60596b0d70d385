// Narrows the rows on this page while one types; the form asks the server for all others.
for (const input of document.querySelectorAll("form.find input[type=search]")) {
  const rows = document.querySelectorAll("[data-name]");
  input.addEventListener("input", () => {
    const text = input.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.dataset.name.includes(text);
  });
}
