#include "relay/planning.hpp"

#include <algorithm>

#include "keys/key_record.hpp"
#include "relay/align_stage.hpp"

namespace signet {
namespace {

using Found = Result<std::shared_ptr<const keys::SigningDomain>>;

std::string no_key_text(const Domain& domain) {
  return "From domain " + domain.text() + " has no DKIM key here: make one with 'signet keys new " +
         domain.text() + "'";
}

/// The domain's own keys, else those of its configured parent.
net::Task<Found> find_own_or_parent(keys::DomainStore& store, net::Loop& loop,
                                    std::shared_ptr<const config::Settings> settings,
                                    Domain domain) {
  auto found = co_await store.find(loop, domain);
  const auto& parents = settings->signing.parents;
  const auto parent = parents.find(domain);
  if (!found && found.error().fault == Fault::not_found && parent != parents.end())
    found = co_await store.find(loop, parent->second);
  co_return found;
}

/// The key of that selector, while it signs.
std::optional<std::size_t> key_of(const keys::SigningDomain& domain, std::string_view selector) {
  for (std::size_t key = 0; key < domain.keys.size(); ++key) {
    if (selector == domain.keys[key].selector) return key;
  }
  return std::nullopt;
}

}  // namespace

net::Task<Result<Keys>> find_keys(keys::DomainStore& store, net::Loop& loop,
                                  std::shared_ptr<const config::Settings> settings,
                                  std::optional<Domain> author) {
  const config::SigningDefaults& signing = settings->signing;
  Keys keys;
  if (author) {
    auto found = co_await find_own_or_parent(store, loop, settings, *author);
    if (!found && found.error().fault != Fault::not_found) co_return found.failure();
    if (found) keys.author = std::move(*found);
  }
  if (signing.platform_domain) {
    auto platform = co_await store.find(loop, *signing.platform_domain);
    if (!platform)
      co_return fail(Fault::key_unavailable, "platform domain: " + platform.error().detail);
    keys.platform = std::move(*platform);
  }
  co_return keys;
}

net::Task<bool> is_in_store(keys::DomainStore& store, net::Loop& loop,
                            std::shared_ptr<const config::Settings> settings, Domain domain) {
  const auto found = co_await find_own_or_parent(store, loop, std::move(settings), domain);
  co_return found || found.error().fault != Fault::not_found;
}

Result<sign::Plan> plan_signatures(const PlanInputs& inputs) {
  const config::SigningDefaults& signing = inputs.settings.signing;
  const auto* client = inputs.client;
  const bool own = inputs.authorship == authorise::Authorship::own;
  // Without a key SPF may still put the message in alignment: the stage `align` decides.
  const bool may_be_unsigned = client == nullptr || client->allow_unsigned || inputs.will_be_judged;
  if (own && !inputs.keys.author && !may_be_unsigned) {
    return fail(Fault::domain_without_key, "no key for " + inputs.author.text(),
                no_key_text(inputs.author));
  }
  return sign::make_plan(
      {.author_domain = inputs.keys.author,
       .platform_domain = inputs.keys.platform,
       .lot = inputs.lot,
       .own = own,
       .platform_signs_foreign =
           client && client->foreign_from == config::ForeignFrom::relay_and_sign_platform,
       .default_profile = default_profile(signing),
       .life = signing.signature_life});
}

net::Task<StoredQuestion> question_about(keys::DomainStore& store, net::Loop& loop,
                                         std::shared_ptr<const config::Settings> settings,
                                         std::shared_ptr<const spool::Message> message) {
  const spool::Record& record = message->record;
  const auto author = Domain::parse(record.author_domain);
  const align::WaysOut ways = AlignStage::ways_out(settings, *message);
  StoredQuestion made;
  if (!author || !ways.leads_outside) co_return made;
  made.question = std::make_shared<align::Question>(
      align::Question{.author = *author,
                      .sender = record.envelope.sender,
                      .points = ways.points,
                      .some_address_unknown = ways.some_address_unknown});
  for (const std::string& name : record.signed_by) {
    const auto signer = keys::split_record_name(name);
    const auto domain = Domain::parse(signer ? signer->domain : "");
    if (!domain) continue;
    auto found = co_await store.find(loop, *domain);
    if (!found) continue;
    if (*domain == *author) made.author_keys = *found;
    if (const auto key = key_of(**found, signer->selector))
      made.question->keys.push_back({*found, *key});
  }
  co_return made;
}

const config::ClientSettings* client_named(const config::Settings& settings,
                                           const std::string& name) {
  const auto found = std::ranges::find(settings.clients, name, &config::ClientSettings::name);
  return found == settings.clients.end() ? nullptr : &*found;
}

}  // namespace signet
