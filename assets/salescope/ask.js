// The slash key leads to the box for questions, from every page.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  const here = document.activeElement;
  if (here && (here.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(here.tagName))) return;
  const box = document.querySelector("#ask-box, .ask-form input") || document.querySelector(".top-ask input");
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});
