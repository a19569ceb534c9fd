/**
 * jacdac-ts with its types: the package ships them, but its `exports` do not say so, and TypeScript
 * then refuses to look. Import from here, not from 'jacdac-ts'.
 */
import type * as Jacdac from '../node_modules/jacdac-ts/dist/types/src/jacdac.d.ts';
// @ts-expect-error TS7016: no declarations by way of the package's name
import * as untyped from 'jacdac-ts';

export const {
  ButtonReg,
  ButtonServer,
  JDBus,
  JDServerServiceProvider,
  JDServiceServer,
  OutPipe,
  Packet,
  SensorServer,
  SettingsServer,
  SRV_BUTTON,
  SRV_LIGHT_BULB,
  SRV_POWER,
  createProxyBridge,
  createWebSocketBus,
  jdpack,
  jdunpack,
} = untyped as typeof Jacdac;

export type ButtonServer = Jacdac.ButtonServer;
export type JDBus = Jacdac.JDBus;
export type JDBridge = Jacdac.JDBridge;
export type JDService = Jacdac.JDService;
export type JDServiceServer = Jacdac.JDServiceServer;
export type JDServerServiceProvider = Jacdac.JDServerServiceProvider;
export type Packet = Jacdac.Packet;
export type PackedValues = Jacdac.PackedValues;
export type Scheduler = Jacdac.Scheduler;
