/* All that the page says: texts by code in the reader's language, numbers and periods as that language writes them. */
import { speaker } from "./fields.js";

/** @typedef {import("./types").Value} Value */

/** @param {import("./types").Gm} gm */
export function text(gm) {
  /** @type {Record<string, ReturnType<typeof speaker>>} */
  const speakers = {};
  gm.languages = gm.data.languages;
  gm.locale = () => gm.languages.find((l) => l.tag === gm.state.language)?.locale || gm.languages[0].locale;
  const now = () => {
    const tag = gm.state.language;
    return (speakers[tag] = speakers[tag] || speaker(gm.locale(), gm.data.words[tag], tag));
  };
  /* A text of the page's own section; or, with a dot in it, of any. */
  gm.t = (code, values) => now().say(code.includes(".") ? code : "page." + code, values);
  gm.has = (code) => (code.includes(".") ? code : "page." + code) in gm.data.words[gm.state.language];
  gm.text = (value) => now().said(value);
  gm.pair = (label, value) => label + gm.t("colon") + value;
  gm.joined = (sentences) => sentences.filter(Boolean).join(gm.t("gap"));
  gm.number = (value, digits) =>
    value === null || value === undefined || !Number.isFinite(value) ? "–" : now().written(value, 0, digits === undefined ? 2 : digits, true, false);
  gm.signed = (value, digits) => (value > 0 ? "+" : value < 0 ? "−" : "±") + gm.number(Math.abs(value), digits);
  gm.percent = (share, digits) => now().written(share, 0, digits || 0, true, true);
  /** @param {number} v a ratio that is there is not 0 */
  const times = (v) => gm.t("ratio_times", { ratio: gm.number(v, v >= 10 ? 0 : v < 0.1 ? 2 : 1) });
  /* A number the way its column is read. */
  /** @type {Record<string, (v: number) => string>} */
  const ways = {
    p_value: (v) => (v < 0.001 ? "< 0.001" : gm.number(v, 3)),
    q_value: (v) => (v < 0.001 ? "< 0.001" : gm.number(v, 3)),
    change_p: (v) => (v < 0.001 ? "< 0.001" : gm.number(v, 3)),
    ratio: times,
    density_ratio: times,
    change_ratio: times,
    difference: (v) => gm.signed(v, 1),
    stability: (v) => gm.percent(v),
    share: (v) => gm.percent(v, 1),
    area_share: (v) => gm.percent(v, 1),
    z_score: (v) => gm.number(v, 1)
  };
  gm.value = (key, value) => {
    if (value === null || value === undefined || !Number.isFinite(value)) return "–";
    return ways[key] ? ways[key](value) : gm.number(value, Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
  };
  /* Counts of two periods are named with their dates. */
  /** @param {string} key @param {import("./types").LiveLayer | null | undefined} layer */
  const dates = (key, layer) => {
    const c = layer && layer.compared, written = !c ? "" : key === "count_before" ? c.before : key === "count_after" ? c.after : "";
    return written ? gm.t("dates", { dates: written }) : "";
  };
  gm.column = (key, layer) => (key === "count" && layer && gm.weightOf(layer)) || (gm.has(key) ? gm.t(key) + dates(key, layer) : key);
  /* What is summed in place of incidents, as `weight_of` in Python; "" where incidents are counted. */
  gm.weightOf = (layer) => (layer.params && (layer.params.weight ? String(layer.params.weight) : layer.params.weighted ? gm.t("weight") : "")) || "";
  /* What the rows of a layer are called: cells, or the zones of the boundaries. */
  gm.unitOf = (layer, n) => (layer && layer.of_zones ? gm.t(n === 1 ? "unit_zone" : "unit_zones") : gm.t(n === 1 ? "unit_cell" : "unit_cells"));
  gm.amount = (layer, n) => (layer && gm.weightOf(layer) ? gm.t("incidents_n_weight", { n: Math.round(n), weight: gm.weightOf(layer) }) : gm.t("incidents_n", { n: Math.round(n) }));
  /** @param {Intl.DateTimeFormatOptions} how @param {Date} when @param {string} [locale] */
  const dated = (how, when, locale) => new Intl.DateTimeFormat(locale || gm.locale(), { timeZone: "UTC", ...how }).format(when);
  gm.weekday = (day) => dated({ weekday: "short" }, new Date(Date.UTC(2024, 0, 1 + day)));
  /* 2018-07, 2018-07-01/2018-07-07, an hour of the week, several joined by a dash: as one reads it aloud. */
  gm.period = (written, every, month = "short", locale) => {
    if (written === null || written === undefined) return "";
    if (every === "hour_of_week") return gm.weekday(Math.floor(+written / 24)) + " " + gm.t("hour_of_day", { hour: +written % 24 });
    const m = /^(\d{4})-(\d{2})(?:-(\d{2}))?(?:\s*[/–]\s*(\d{4})-(\d{2})(?:-(\d{2}))?)?$/.exec(written);
    if (!m) return written;
    /** @param {string} y @param {string} mo @param {string | undefined} d */
    const one = (y, mo, d) => dated({ year: "numeric", month, day: d ? "numeric" : undefined }, new Date(Date.UTC(+y, +mo - 1, d ? +d : 1)), locale);
    return m[4] ? one(m[1], m[2], m[3]) + " – " + one(m[4], m[5], m[6]) : one(m[1], m[2], m[3]);
  };
}
