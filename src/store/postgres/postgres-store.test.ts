import { after, before } from 'node:test'
import { requirePeer } from '../../../test/peers.ts'
import { type Postgres, postgresPaths, startPostgres } from '../../../test/postgres.ts'
import { storeConformance } from '../conformance/conformance.ts'
import { openPostgresStore } from './postgres-store.ts'

const postgresPeer = requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths)
let postgres: Postgres
before(async () => {
  if (!postgresPeer.skip) postgres = await startPostgres()
})
after(() => postgres?.[Symbol.asyncDispose]())

const open = (database: string, deadlineMs = 10_000) => {
  const client = postgres.client(database)
  return openPostgresStore({ client, listener: client, poolSize: 6, deadlineMs })
}

storeConformance('PostgreSQL', async () => {
  const database = await postgres.newDatabase()
  const store = await open(database)
  const second = await open(database)
  return {
    store,
    second,
    async [Symbol.asyncDispose]() {
      await second[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
})
