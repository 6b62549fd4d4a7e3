/**
 * The routes' schemas, compiled when a route is first called. Ajv and the compiled functions cost
 * an idle sidecar 5 MB; most of its routes are never called.
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

function notUsed(): never {
  throw new Error("the server was made without a compiler of its own");
}

/** For fastify's `schemaController`: does not load the default compilers, which are replaced. */
export const withoutDefaultCompilers = {
  compilersFactory: { buildValidator: notUsed, buildSerializer: notUsed },
} as const;

/** Loads the compiler with the first request of a server. */
export class LazyValidators {
  #compile: Compile | undefined;
  #loading: Promise<void> | undefined;

  /** Becomes the server's compiler, and has Ajv loaded before the first request is validated. */
  attach(app: FastifyInstance): void {
    app.setValidatorCompiler((route) => this.#standIn(route));
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

  /** Stands in for a route's validator until it is needed. */
  #standIn(route: Parameters<Compile>[0]): Validate {
    let validate: Validate | undefined;
    const lazy: Validate = (data) => {
      validate ??= this.#compiled(route);
      const verdict = validate(data);
      lazy.errors = validate.errors ?? null;
      return verdict;
    };
    return lazy;
  }

  #compiled(route: Parameters<Compile>[0]): Validate {
    if (this.#compile === undefined) throw new Error("validated before the compiler was loaded");
    return this.#compile(route);
  }
}
