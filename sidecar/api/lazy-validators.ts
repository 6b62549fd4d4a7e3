/**
 * The routes' schemas, compiled when a route is first called. Ajv and the compiled functions cost an
 * idle sidecar 6 MB and its start 60 ms; most of its routes are never called.
 */
import type { FastifyInstance, FastifySchemaCompiler } from "fastify";

type Compile = FastifySchemaCompiler<unknown>;
type Validate = ReturnType<Compile>;

/** How values are checked: nothing is taken away silently, the first breach is enough. */
const ajvOptions = {
  customOptions: {
    removeAdditional: false,
    coerceTypes: true,
    useDefaults: true,
    allErrors: false,
  },
} as const;

/** Loads the compiler with the first request of a server. */
export class LazyValidators {
  #compile: Compile | undefined;
  #loading: Promise<void> | undefined;

  /** For fastify's `schemaController`: stands in for each validator until it is needed. */
  readonly buildValidator = (): Compile => (route) => {
    let validate: Validate | undefined;
    const lazy: Validate = (data) => {
      validate ??= this.#compiled(route);
      const verdict = validate(data);
      lazy.errors = validate.errors ?? null;
      return verdict;
    };
    return lazy;
  };

  /** Has the compiler loaded before the first request is validated. */
  attach(app: FastifyInstance): void {
    app.addHook("onRequest", (_request, _reply, done) => {
      if (this.#compile !== undefined) {
        done();
        return;
      }
      this.#loading ??= this.#load();
      this.#loading.then(() => done(), done);
    });
  }

  async #load(): Promise<void> {
    const { default: createFactory } = await import("@fastify/ajv-compiler");
    const compile = createFactory()({}, ajvOptions);
    this.#compile = ({ schema }) => compile({ schema });
  }

  #compiled(route: Parameters<Compile>[0]): Validate {
    if (this.#compile === undefined) throw new Error("validated before the compiler was loaded");
    return this.#compile(route);
  }
}

/** For fastify's `schemaController`: answers are plain JSON, no code is generated for them. */
export function buildPlainSerializer(): () => (data: unknown) => string {
  return () => (data) => JSON.stringify(data);
}
