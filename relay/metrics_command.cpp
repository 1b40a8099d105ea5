// signet metrics: the list of all metrics, as a table or as JSON.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "monitoring/metric_families.hpp"
#include "relay/commands.hpp"

namespace signet::commands {
namespace {

using monitoring::FamilyRow;
using monitoring::Kind;

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return "counter";
    case Kind::gauge:
      return "gauge";
    case Kind::histogram:
      break;
  }
  return "histogram";
}

nlohmann::json labels_of(const FamilyRow& row) {
  auto labels = nlohmann::json::array();
  for (const char* label : row.labels) {
    if (label != nullptr) labels.push_back(label);
  }
  return labels;
}

}  // namespace

int list_metrics(bool json) {
  auto list = nlohmann::json::array();
  for (const FamilyRow& row : monitoring::kFamilies) {
    if (!json) std::printf("%-9s %s: %s\n", name_of(row.kind), row.name, row.help);
    list.push_back({{"name", row.name},
                    {"kind", name_of(row.kind)},
                    {"help", row.help},
                    {"labels", labels_of(row)}});
  }
  if (json) std::printf("%s\n", list.dump(2).c_str());
  return 0;
}

}  // namespace signet::commands
