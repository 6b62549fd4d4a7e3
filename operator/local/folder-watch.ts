/** Notices changed manifests and protos. Folders are watched, since editors replace files. */
import { type FSWatcher, watch } from "node:fs";
import { isManifestName } from "./folder-files.ts";
import { appsFileName } from "./apps-file.ts";

/** Editors make several events of one change, `git checkout` hundreds: they are read as one. */
const settleMs = 150;

/** What changed. */
export type FolderChange = "resources" | "apps";

/** Watches folders until it is closed. */
export class FolderWatch {
  readonly #watchers: FSWatcher[] = [];
  readonly #onChange: (changes: ReadonlySet<FolderChange>) => void;
  #changes = new Set<FolderChange>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param folders absolute; manifests are looked for in the first, protos in all.
   * @param onChange called once things have been quiet for 150 ms.
   */
  constructor(folders: readonly string[], onChange: (changes: ReadonlySet<FolderChange>) => void) {
    this.#onChange = onChange;
    for (const [index, folder] of folders.entries()) {
      const watcher = watch(folder, (_event, name) => this.#changed(name, index === 0));
      // The folder was removed: what runs goes on with what was read.
      watcher.on("error", () => watcher.close());
      this.#watchers.push(watcher);
    }
  }

  /** Stops; no callback comes after it. */
  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #changed(name: string | null, isTop: boolean): void {
    if (name === null || name.endsWith(".proto")) this.#changes.add("resources");
    else if (isTop && name === appsFileName) this.#changes.add("apps");
    else if (isTop && isManifestName(name)) this.#changes.add("resources");
    else return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const changes = this.#changes;
      this.#changes = new Set();
      this.#onChange(changes);
    }, settleMs);
  }
}
