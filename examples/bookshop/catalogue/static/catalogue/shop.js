// Says how many characters are left in a text; without JavaScript the server still counts.
for (const area of document.querySelectorAll("textarea[data-count]")) {
  const left = document.createElement("small");
  const show = () => {
    left.textContent = `${Number(area.dataset.count) - area.value.length} characters left`;
  };
  area.after(left);
  area.addEventListener("input", show);
  show();
}
