import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node, L: "readonly", h3: "readonly", fflate: "readonly" } },
    rules: {
      "no-restricted-syntax": ["error", { selector: "MemberExpression[object.property.name='map'][property.name=/^_/]", message: "No private members of Leaflet." },
        { selector: "MemberExpression[property.name=/^_[a-z]/]", message: "No private members." }],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      complexity: ["error", 20]
    }
  }
];
