// Speaks for a test through @alicloud/pop-core: one call per line of JSON in, one answer out.
'use strict';

const readline = require('readline');
const { RPCClient } = require('@alicloud/pop-core');

const client = new RPCClient({
    accessKeyId: process.env.KEY_ID,
    accessKeySecret: process.env.KEY_SECRET,
    endpoint: `${process.env.PROTOCOL}://${process.env.ENDPOINT}`,
    apiVersion: '2014-05-26',
    // A slow machine takes its time to answer.
    opts: { timeout: 180000 },
});

function spelled(parameters) {
    const said = {};
    for (const [name, value] of Object.entries(parameters)) {
        if (Array.isArray(value)) {
            value.forEach((one, index) => {
                said[`${name}.${index + 1}`] = one;
            });
        } else {
            said[name] = typeof value === 'object' ? JSON.stringify(value) : value;
        }
    }
    return said;
}

async function answer([action, parameters]) {
    try {
        return await client.request(action, spelled(parameters), { method: process.env.METHOD });
    } catch (error) {
        if (!error.code) throw error;
        return { Refused: error.code, Status: error.entry ? error.entry.response.statusCode : 0 };
    }
}

async function main() {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
    }
}

main();
