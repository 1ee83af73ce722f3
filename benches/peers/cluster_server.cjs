// The course's cluster server: one process per CPU on one port, a primary that
// replaces the dead, a handler that adds in a loop and answers JSON.
//
// node cluster_server.cjs ADDITIONS WORKERS
// prints the port when all workers listen.

const cluster = require('node:cluster');
const http = require('node:http');

const additions = Number(process.argv[2]);
const workers = Number(process.argv[3]);

function answer(request, response) {
  let result = 0;
  for (let i = 0; i < additions; i++) {
    result += i;
  }
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ message: 'Hello World', worker: process.pid, result }));
}

if (cluster.isPrimary) {
  let listening = 0;
  cluster.on('listening', (_worker, address) => {
    listening += 1;
    if (listening === workers) console.log(address.port);
  });
  cluster.on('exit', () => cluster.fork());
  for (let i = 0; i < workers; i++) cluster.fork();
} else {
  http.createServer(answer).listen(0, '127.0.0.1');
}
