import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Needs a Kubernetes API server: npm run test:cluster.
    exclude: [...configDefaults.exclude, "test/cluster/**"],
    globalSetup: ["test/support/build-once.ts"],
    // Two cores: more workers only make deadlines slower.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
