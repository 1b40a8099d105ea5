// [webhook].
#include "config/sections.hpp"

namespace signet::config {
namespace {

// What the program that sends understands as a URL is its own affair; this is for line and column.
bool begins_as_url(const std::string& text) {
  return text.starts_with("https://") || text.starts_with("http://");
}

}  // namespace

void read_webhook(Section& root, Settings& settings) {
  WebhookSettings& into = settings.webhook;
  root.table("webhook", [&](Section& webhook) {
    webhook.require("url");
    webhook.text("url", into.url);
    webhook.path("token", into.token);
    webhook.path("ca", into.ca);
    using enum WebhookSettings::Format;
    webhook.choice("format", into.format, {{"ndjson", ndjson}, {"json", json}});
    webhook.count("batch_events", into.batch_events, 1U, 10'000U);
    webhook.duration("batch_time", into.batch_time, milliseconds(10));
    webhook.duration("timeout", into.timeout, milliseconds(100));
    webhook.size("buffer_bytes", into.buffer_bytes, std::uint64_t{64} << 10U);
    if (webhook.has("url") && !begins_as_url(into.url))
      webhook.problem("url", "begins with neither https:// nor http://");
    if (!into.ca.empty() && into.url.starts_with("http://"))
      webhook.problem("ca", "is used only with an https:// URL");
  });
}

}  // namespace signet::config
