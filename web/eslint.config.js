import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const VIEWS = ["canvas", "widgets", "panels", "mask", "ui"];

/** What a folder of src may not import: relative paths that lead into these folders. */
function mayNotImport(...folders) {
  return folders.map((folder) => ({
    regex: `^(\\.\\./)+${folder}(/|$)`,
    message: `Imports point one way: model <- api, state <- canvas, widgets, panels, mask <- app. Not to ${folder}.`,
  }));
}

const NO_XYFLOW = { regex: "^@xyflow/", message: "Only canvas/ knows xyflow." };
const NO_API = {
  regex: "^(\\.\\./)+api/(?!types$)",
  message: "Of api, model/ may know the generated types only.",
};
const NO_REACT = { regex: "^(react|react-dom)(/|$)", message: "model/, api/ and state/ know no React." };

function layer(folder, patterns) {
  return {
    files: [`src/${folder}/**/*.{ts,tsx}`],
    rules: { "no-restricted-imports": ["error", { patterns }] },
  };
}

export default tseslint.config(
  { ignores: ["dist", "node_modules", "src/api/types.ts"] },
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
  },
  {
    files: ["**/*.{ts,tsx}"],
    plugins: { "react-hooks": hooks },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "max-lines": ["error", { max: 300 }],
      "@typescript-eslint/consistent-type-assertions": ["error", { assertionStyle: "never" }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/switch-exhaustiveness-check": "off",
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/unbound-method": "off",
      "no-console": "error",
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration", message: "No default exports." },
        { selector: "TSEnumDeclaration", message: "No enums: use a union." },
        { selector: "TSModuleDeclaration[kind='namespace']", message: "No namespaces." },
      ],
      "no-restricted-imports": ["error", { patterns: [NO_XYFLOW] }],
    },
  },
  layer("model", [NO_XYFLOW, NO_REACT, NO_API, ...mayNotImport("state", "app", ...VIEWS)]),
  layer("api", [NO_XYFLOW, NO_REACT, ...mayNotImport("state", "app", ...VIEWS)]),
  layer("state", [NO_XYFLOW, NO_REACT, ...mayNotImport("app", ...VIEWS)]),
  layer("ui", [NO_XYFLOW, ...mayNotImport("app", "canvas", "widgets", "panels", "mask")]),
  layer("widgets", [NO_XYFLOW, ...mayNotImport("app", "canvas", "panels", "mask")]),
  layer("panels", [NO_XYFLOW, ...mayNotImport("app", "canvas")]),
  layer("mask", [NO_XYFLOW, ...mayNotImport("app", "canvas", "panels")]),
  layer("canvas", mayNotImport("app", "panels")),
  {
    files: ["src/api/decode.ts", "**/*.test.{ts,tsx}"],
    rules: { "@typescript-eslint/consistent-type-assertions": "off" },
  },
  {
    files: ["**/*.test.{ts,tsx}"],
    rules: { "@typescript-eslint/no-non-null-assertion": "error", "max-lines": "off" },
  },
);
