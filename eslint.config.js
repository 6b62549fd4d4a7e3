import tseslint from "typescript-eslint";

/** Rooms that decide: input and nowMs in, effects out (see ARCHITECTURE.md). */
const pureRooms = [
  "sidecar/core/**/*.ts",
  "operator/schema/**/*.ts",
  "operator/reconcile/**/*.ts",
  "operator/manifests/**/*.ts",
  "operator/node-config/**/*.ts",
  "operator/runtime/core/**/*.ts",
];

const pureGlobals = [
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "performance",
  "process",
  "crypto",
  "console",
  "fetch",
  "globalThis",
];

export default tseslint.config(
  {
    ignores: [
      "proto/gen",
      "examples/*/gen",
      "test/support/*/gen",
      "dist",
      "tmp",
      "node_modules",
      "coverage",
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["*.js"] } } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/require-await": "off",
      "no-console": "error",
      "no-restricted-exports": ["error", { restrictDefaultExports: { direct: true } }],
      eqeqeq: "error",
      "max-params": ["error", 4],
    },
  },
  {
    files: pureRooms,
    rules: {
      "no-restricted-globals": ["error", ...pureGlobals],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now" },
        { object: "Math", property: "random" },
      ],
      "no-restricted-syntax": [
        "error",
        "NewExpression[callee.name='Date'][arguments.length=0]",
        ":function[async=true]",
        "TSEnumDeclaration",
      ],
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  {
    // Programs of their own: their output is the terminal.
    files: ["examples/**/*.ts", "test/support/seed-programs/*.ts"],
    rules: { "no-console": "off" },
  },
  {
    // Scripts of the pages, as the browser gets them.
    files: ["examples/**/page/*.js"],
    extends: [tseslint.configs.disableTypeChecked],
  },
  {
    files: ["**/*.config.js", "**/*.config.ts"],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { "no-restricted-exports": "off" },
  },
);
