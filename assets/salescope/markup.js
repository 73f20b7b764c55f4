// What layouts/markup.py makes: a tree of HTML components drawn by React alone, without the renderer's wrapper and
// subscription for each element.
(function () {
  "use strict";
  const own = (window.salescope = window.salescope || {});
  const TAG = /^[A-Z][A-Za-z0-9]{0,11}$/, REFUSED = new Set(["Script", "Iframe", "Object", "Embed", "Base", "Meta", "Style"]);
  const HTML = "dash_html_components";

  function attributes(props) {
    const found = {};
    for (const name in props) {
      if (name !== "children" && name !== "dangerouslySetInnerHTML" && !/^on/i.test(name)) found[name] = props[name];
    }
    return found;
  }

  function draw(node) {
    if (node === null || node === undefined || typeof node === "boolean") return null;
    if (typeof node !== "object") return String(node);
    const known = node.namespace === HTML && TAG.test(node.type) && !REFUSED.has(node.type);
    if (!known) throw new Error(`Markup cannot hold a ${node.namespace}/${node.type}.`);
    return window.React.createElement(node.type.toLowerCase(), attributes(node.props), ...all(node.props.children));
  }

  function all(tree) {
    return (Array.isArray(tree) ? tree : [tree]).map(draw);
  }

  own.Markup = function Markup({ tree, tag, setProps, ...props }) {
    return window.React.createElement(tag || "div", attributes(props), ...all(tree));
  };
})();
