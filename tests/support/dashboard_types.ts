// What a dashboard of ours must be, by the types Grafana publishes (npm: @grafana/schema). A dashboard
// is pasted below as an object literal, so that the compiler also finds fields that Grafana does not know.
import type { Dashboard, DataSourceRef, FieldConfig, Panel, RowPanel } from '@grafana/schema';
import type { Options as BarGauge } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type { Options as Stat } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { FieldConfig as TableField, Options as Table } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { FieldConfig as SeriesField, Options as Series } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** In JSON a member of an enum of strings is written as its value. */
type Json<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends Array<infer Element>
      ? Array<Json<Element>>
      : T extends object
        ? { [Key in keyof T]: Json<T[Key]> }
        : T;

/** A query of the data source prometheus; its type is in no package of Grafana without its user interface. */
interface PrometheusQuery {
  refId: string;
  datasource: DataSourceRef;
  expr: string;
  legendFormat?: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
  range: boolean;
  editorMode: 'code' | 'builder';
}

interface PanelOf<Type extends string, Options, Field> extends Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> {
  type: Type;
  title: string;
  description: string;
  datasource: DataSourceRef;
  targets: Array<PrometheusQuery>;
  options: Options;
  fieldConfig: {
    defaults: Omit<FieldConfig, 'custom' | 'unit'> & { unit: string; custom?: Field };
    overrides: NonNullable<Panel['fieldConfig']>['overrides'];
  };
}

type AnyPanel =
  | RowPanel
  | PanelOf<'timeseries', Series, SeriesField>
  | PanelOf<'stat', Stat, never>
  | PanelOf<'bargauge', BarGauge, never>
  | PanelOf<'table', Table, Partial<TableField>>;

export type Provisioned = Json<Omit<Dashboard, 'panels'> & { panels: Array<AnyPanel> }>;
