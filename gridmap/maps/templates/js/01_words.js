/* All that the page says: words by key in the reader's language, numbers and periods as that language writes them. */
(function (gm) {
  "use strict";
  const words = gm.data.words;
  gm.t = function (key) {
    const both = words[key];
    if (!both) return key;
    let said = both[gm.state.language === "zh" ? 1 : 0];
    for (let i = 1; i < arguments.length; i++) said = said.replace("{" + (i - 1) + "}", function () { return String(this); }.bind(arguments[i]));
    return said;
  };
  gm.has = function (key) { return key in words; };
  /* A text of the page's data: itself, or {w: key}. */
  gm.text = function (value) {
    if (value === null || value === undefined) return "";
    return typeof value === "object" && "w" in value ? gm.t(value.w) : String(value);
  };
  const formats = {};
  gm.number = function (value, digits) {
    if (value === null || value === undefined || !isFinite(value)) return "–";
    const key = gm.state.language + digits;
    formats[key] = formats[key] || new Intl.NumberFormat(gm.state.language === "zh" ? "zh-CN" : "en-GB",
      { maximumFractionDigits: digits === undefined ? 2 : digits });
    return formats[key].format(value === 0 ? 0 : value);
  };
  gm.signed = function (value, digits) { return (value > 0 ? "+" : value < 0 ? "−" : "±") + gm.number(Math.abs(value), digits); };
  gm.percent = function (share) { return gm.number(100 * share, 0) + (gm.state.language === "zh" ? "%" : " %"); };
  /* A number the way its column is read. */
  gm.value = function (key, value) {
    if (value === null || value === undefined || !isFinite(value)) return "–";
    if (key === "p_value" || key === "q_value") return value < 0.001 ? "< 0.001" : gm.number(value, 3);
    if (key === "ratio") return "×" + gm.number(value, value < 10 ? 1 : 0);
    if (key === "difference") return gm.signed(value, 1);
    if (key === "stability") return gm.percent(value);
    if (key === "z_score") return gm.number(value, 1);
    return gm.number(value, Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
  };
  gm.column = function (key) { return gm.has(key) ? gm.t(key) : key; };

  /* 2018-07, 2018-07-01/2018-07-07, an hour of the week: as one reads it aloud. */
  gm.period = function (text, every) {
    const zh = gm.state.language === "zh", locale = zh ? "zh-CN" : "en-GB";
    if (every === "hour_of_week") {
      const hour = +text % 24, day = new Date(Date.UTC(2024, 0, 1 + Math.floor(+text / 24)));
      return new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" }).format(day) + " " + String(hour).padStart(2, "0") + (zh ? "时" : "h");
    }
    const m = /^(\d{4})-(\d{2})(?:-(\d{2}))?(?:\/(\d{4})-(\d{2})-(\d{2}))?$/.exec(text);
    if (!m) return text;
    const say = function (y, mo, d) {
      return new Intl.DateTimeFormat(locale, { year: "numeric", month: zh ? "long" : "short", day: d ? "numeric" : undefined, timeZone: "UTC" })
        .format(new Date(Date.UTC(+y, +mo - 1, d ? +d : 1)));
    };
    return m[4] ? say(m[1], m[2], m[3]) + " – " + say(m[4], m[5], m[6]) : say(m[1], m[2], m[3]);
  };
})(gridmap);
