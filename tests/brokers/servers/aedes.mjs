// aedes: port, folder.
import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import persistence from 'aedes-persistence-level'
import { Level } from 'level'

const [port, folder] = process.argv.slice(2)
const level = new Level(folder, { valueEncoding: 'binary' })
const broker = await Aedes.createBroker({ persistence: persistence(level) })
createServer(broker.handle).listen(Number(port), '127.0.0.1')
