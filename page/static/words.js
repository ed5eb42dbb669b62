// What the scripts say, in the language of the page.

const words = JSON.parse(document.body.dataset.words);

export function word(name, values = {}) {
  return words[name].replace(/%\((\w+)\)s/g, (_, key) => values[key]);
}
