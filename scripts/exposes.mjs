// Print every device definition of zigbee-herdsman-converters with what it exposes, as JSON.
// The argument is the folder that the package is installed in. A definition may compute its
// exposes from the device at hand; without one it is asked for those of a dummy, which is how
// Zigbee2MQTT's own documentation is made.
import {readdirSync} from "node:fs";
import {createRequire} from "node:module";
import {dirname, join, resolve} from "node:path";

const require = createRequire(join(resolve(process.argv[2]), "package.json"));
const main = require.resolve("zigbee-herdsman-converters");
const {prepareDefinition} = require(main);
const folder = join(dirname(main), "devices");
const rows = [];
for (const file of readdirSync(folder).filter((name) => name.endsWith(".js"))) {
    for (const raw of require(join(folder, file)).definitions ?? []) {
        const definition = prepareDefinition(raw);
        const {exposes, model, vendor, description} = definition;
        rows.push({
            vendor,
            model,
            description,
            exposes: typeof exposes === "function" ? exposes({isDummyDevice: true}, {}) : exposes,
        });
    }
}
process.stdout.write(JSON.stringify(rows));
