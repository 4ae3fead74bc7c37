/* Texts of the catalogue, filled as `gridmap/messages/catalogue.py` fills them: the same fields, the same result.

   {name} {found!r} {n:,} {x:.1f} {share:.0%} {d:+.0%} {n:#cell|cells} {n:?cell|cells} */

/** @typedef {import("./types").Value} Value */

const PLURALS = ["zero", "one", "two", "few", "many", "other"];

/** What a text needs of its language.
 * @param {string} locale a BCP 47 tag
 * @param {Record<string, string>} words code → text
 * @param {string} tag */
export function speaker(locale, words, tag) {
  const rules = new Intl.PluralRules(locale);
  const categories = PLURALS.filter((name) => rules.resolvedOptions().pluralCategories.includes(/** @type {Intl.LDMLPluralRule} */ (name)));
  /** @type {Record<string, Intl.NumberFormat>} */
  const formats = {};

  /** @param {number} value @param {number} least @param {number} most @param {boolean} grouped @param {boolean} percent */
  function written(value, least, most, grouped, percent) {
    const key = [least, most, grouped, percent].join();
    formats[key] = formats[key] || new Intl.NumberFormat(locale, {
      minimumFractionDigits: least, maximumFractionDigits: most, useGrouping: grouped, style: percent ? "percent" : "decimal"
    });
    return formats[key].format(value === 0 ? 0 : value);
  }

  /** A number by a format specification of Python.
   * @param {number} value @param {string} spec */
  function number(value, spec) {
    const m = /^(\+?)(,?)(?:\.(\d+))?([f%g]?)$/.exec(spec);
    if (!m) return String(value);
    const [, sign, comma, digits, kind] = m;
    const size = sign ? Math.abs(value) : value;
    let out;
    if (kind === "g") {
      const places = Number(digits || 6), top = size === 0 ? 0 : Math.floor(Math.log10(Math.abs(size)));
      out = written(Number(size.toPrecision(places)), 0, Math.max(0, places - 1 - top), Boolean(comma), false);
    }
    else if (kind === "%" && !sign && size > 0 && Number((100 * size).toFixed(Number(digits || 6))) === 0) {
      const places = Number(digits || 6);
      out = "<" + written(Math.pow(10, -2 - places), places, places, Boolean(comma), true);   /* a share that is there is not 0% */
    }
    else if (kind) out = written(size, Number(digits || 6), Number(digits || 6), Boolean(comma), kind === "%");
    else out = written(size, 0, 20, Boolean(comma), false);
    return sign ? (value < 0 ? "−" : "+") + out : out;
  }

  /** @param {number} value @param {string[]} forms */
  function plural(value, forms) {
    const at = categories.indexOf(rules.select(Math.abs(value)));
    return forms[Math.min(Math.max(at, 0), forms.length - 1)];
  }

  /** @param {Value} value @param {string} spec @returns {string} */
  function field(value, spec) {
    if (value === null || value === undefined || (typeof value === "number" && !Number.isFinite(value))) return "–";
    if (spec[0] === "#" || spec[0] === "?") {
      const word = plural(Number(value), spec.slice(1).split("|"));
      return spec[0] === "?" ? word : field(value, ",") + " " + word;
    }
    if (Array.isArray(value)) return value.map((v) => field(v, spec)).join(words["messages.list_separator"] || ", ");
    if (typeof value === "object") return said(value);
    if (typeof value === "number" && spec) return number(value, spec);
    return String(value);
  }

  /** A text of the catalogue; a code that it does not have is said as it is.
   * @param {string} code @param {Record<string, Value>} [values] */
  function say(code, values) {
    const text = words[code];
    if (text === undefined) return code;
    return text.replace(/\{\{|\}\}|\{(\w+)(!r)?(?::([^}]*))?\}/g, (all, name, quoted, spec) => {
      if (name === undefined) return all[0];
      const value = (values || {})[name];
      return quoted ? "'" + field(value, "") + "'" : field(value, spec || "");
    });
  }

  /** A text of the page's data: itself, {code, values} of the catalogue, or one text a language.
   * @param {Value} value @returns {string} */
  function said(value) {
    if (value === null || value === undefined) return "";
    if (typeof value !== "object" || Array.isArray(value)) return field(value, "");
    if ("code" in value) return say(String(value.code), /** @type {Record<string, Value>} */ (value.values));
    const texts = /** @type {Record<string, string>} */ (value);
    return texts[tag] || texts.en || Object.values(texts)[0] || "";
  }

  return { say, said, number, plural, written };
}
