// zigbee-herdsman as a host of the simulated co-processor, driven by lines of JSON.
//
//   node herdsman.mjs <folder of node_modules> <port> <folder for its files>
//
// It prints one JSON object per event, and takes {"do": "off" | "read" | "lqi" | "leave" | "backup" | "stop"}.

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [, , modules, port, folder] = process.argv;
const { Controller, setLogger } = createRequire(join(modules, "package.json"))(
  "zigbee-herdsman",
);
const say = (event) => console.log(JSON.stringify(event));
const text = (message) =>
  String(typeof message === "function" ? message() : message);
const quiet = () => {};
setLogger({
  debug: quiet,
  info: quiet,
  warning: (message) => say({ event: "warning", text: text(message) }),
  error: (message) => say({ event: "error", text: text(message) }),
});

mkdirSync(folder, { recursive: true });
const controller = new Controller({
  network: {
    panID: 0x1a62,
    extendedPanID: [1, 2, 3, 4, 5, 6, 7, 8],
    channelList: [20],
    networkKey: [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13],
  },
  databasePath: join(folder, "database.json"),
  databaseBackupPath: join(folder, "database.old"),
  backupPath: join(folder, "backup.json"),
  acceptJoiningDeviceHandler: async () => true,
  adapter: { concurrent: 16, delay: 0, disableLED: false },
  serialPort: { path: `tcp://127.0.0.1:${port}`, adapter: "ember" },
});
controller.on("deviceInterview", ({ status, device }) =>
  say({ event: "interview", status, ieee: device.ieeeAddr, model: device.modelID }),
);
controller.on("message", ({ type, cluster, data }) =>
  say({ event: "message", type, cluster, data }),
);

const actions = {
  off: ({ ieee }) =>
    controller.getDeviceByIeeeAddr(ieee).getEndpoint(1).command("genOnOff", "off", {}),
  read: ({ ieee }) =>
    controller
      .getDeviceByIeeeAddr(ieee)
      .getEndpoint(1)
      .read("haElectricalMeasurement", ["rmsVoltage", "rmsCurrent"]),
  lqi: ({ ieee }) => controller.getDeviceByIeeeAddr(ieee).lqi(),
  leave: ({ ieee }) => controller.getDeviceByIeeeAddr(ieee).removeFromNetwork(),
  backup: () => controller.backup(),
};

const result = await controller.start();
await controller.permitJoin(60);
say({
  event: "started",
  result,
  network: await controller.getNetworkParameters(),
  version: (await controller.getCoordinatorVersion()).meta,
});
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (request.do === "stop") {
    break;
  }
  try {
    say({ event: "done", data: (await actions[request.do](request)) ?? null });
  } catch (error) {
    say({ event: "failed", text: String(error) });
  }
}
await controller.stop();
say({ event: "stopped" });
process.exit(0);
