/** What fails in an installation of one process on SQLite: the process, its clock, its disk, and a database that is held. */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { clockSteps, killAt, killed } from './process-faults.ts'
import type { EngineUnderTest, Stage } from './scenario.ts'
import { openSmallDisk, type SmallDisk } from './small-disk.ts'

export type SqliteEngine = {
  readonly disk: SmallDisk | null
  /** Another program that has the database to itself. */
  holder: DatabaseSync | null
}

/** Room for the database and what it writes ahead, for as long as a scenario takes. */
const diskMegabytes = 64

const databaseOf = ({ servers }: Stage<SqliteEngine>) => join(servers[0]!.dataFolder, 'countersign.db')

export const sqliteUnderTest: EngineUnderTest<SqliteEngine> = {
  name: 'SQLite',
  peer: {},
  async prepare() {
    return {
      async open(opening) {
        const disk = opening === 'small disk' ? openSmallDisk(diskMegabytes) : null
        const engine: SqliteEngine = { disk, holder: null }
        return {
          engine,
          env: [{}],
          ...(disk && { folder: disk.folder }),
          async [Symbol.asyncDispose]() {
            engine.holder?.close()
            disk?.[Symbol.dispose]()
          },
        }
      },
      async [Symbol.asyncDispose]() {},
    }
  },
  scenarios: [
    { ...killed<SqliteEngine>(0), isInShort: true },
    ...(['after-commit', 'after-claim', 'after-accept', 'before-settle', 'after-use'] as const).map((point) =>
      killAt<SqliteEngine>(point, 0),
    ),
    clockSteps(0),
    {
      fault: 'database held by another program',
      async begin(stage) {
        stage.engine.holder = new DatabaseSync(databaseOf(stage))
        stage.engine.holder.exec('pragma busy_timeout = 5000; begin immediate')
      },
      async end({ engine }) {
        engine.holder!.exec('rollback')
      },
      lastsMs: 2_500,
      isOutage: true,
      isInShort: true,
    },
    {
      fault: 'disk full, then room made',
      opening: 'small disk',
      begin: async ({ engine }) => engine.disk!.fill(16_384),
      end: async ({ engine }) => engine.disk!.empty(),
      lastsMs: 2_500,
      isOutage: true,
      isInShort: true,
    },
  ],
}
