// Narrows the rows on this page while one types; the form asks the server for all others.
for (const input of document.querySelectorAll("form.find input[type=search]")) {
  const rows = document.querySelectorAll("[data-name]");
  input.addEventListener("input", () => {
    const text = input.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.dataset.name.includes(text);
  });
}
// What stands behind the # never reaches a server, nor a log: it is put into the form here.
for (const input of document.querySelectorAll("[data-from-fragment]")) {
  if (location.hash.length > 1) {
    input.value = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
  }
}
