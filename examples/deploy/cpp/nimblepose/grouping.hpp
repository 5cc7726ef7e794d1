// Limbs to people: each joins two keypoints, the surest first.
#pragma once

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "mending.hpp"

namespace nimblepose {

/// Somebody, in cells.
struct Person {
  Places keypoints;
  std::vector<float> heights;  // of the peaks of keypoints, 0 where not found
  float limb_score;
};

/// Of each limb, give every peak to the best of the candidates that want it; the best first.
inline std::vector<Connection> match_limbs(std::vector<Connection> candidates) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Connection& a, const Connection& b) { return a.score > b.score; });
  std::set<std::pair<int, int>> starts, ends;
  std::vector<Connection> kept;
  for (const auto& one : candidates) {
    if (starts.count({one.limb, one.start}) || ends.count({one.limb, one.end})) continue;
    starts.insert({one.limb, one.start});
    ends.insert({one.limb, one.end});
    kept.push_back(one);
  }
  return kept;
}

namespace detail {

/// Which pose each peak belongs to, -1 where none; two poses that turn out to be one person are merged.
struct Poses {
  std::vector<int> of;  // by peak
  int count = 0;
};

inline Poses connect(const std::vector<Connection>& connections, const std::vector<int>& kinds) {
  Poses poses{std::vector<int>(kinds.size(), -1)};
  std::vector<std::set<int>> has;
  std::vector<std::vector<int>> members;
  for (const auto& connection : connections) {
    const int a = connection.start, b = connection.end, one = poses.of[a], other = poses.of[b];
    if (one < 0 && other < 0) {
      poses.of[a] = poses.of[b] = int(has.size());
      has.push_back({kinds[a], kinds[b]});
      members.push_back({a, b});
    } else if (one < 0 || other < 0) {
      const auto [pose, peak] = other < 0 ? std::pair(one, b) : std::pair(other, a);
      if (!has[pose].insert(kinds[peak]).second) continue;
      members[pose].push_back(peak);
      poses.of[peak] = pose;
    } else if (one != other && std::none_of(has[other].begin(), has[other].end(),
                                            [&, mine = one](int kind) { return has[mine].count(kind) > 0; })) {
      for (const int member : members[other]) {
        poses.of[member] = one;
        members[one].push_back(member);
      }
      has[one].insert(has[other].begin(), has[other].end());
      members[other].clear();
      has[other].clear();
    }
  }
  poses.count = int(has.size());
  return poses;
}

/// Which peaks are of chosen poses, or of those that connections lead to from there, however many.
inline std::vector<bool> find_linked(const Poses& poses, std::set<int> linked,
                                     const std::vector<Connection>& connections) {
  const auto label = [&](int peak) { return poses.of[peak] < 0 ? -1 - peak : poses.of[peak]; };
  for (bool spread = true; spread;) {
    spread = false;
    for (const auto& connection : connections) {
      const int one = label(connection.start), other = label(connection.end);
      if (linked.count(one) == linked.count(other)) continue;
      linked.insert({one, other});
      spread = true;
    }
  }
  std::vector<bool> found;
  for (size_t peak = 0; peak < poses.of.size(); peak++) found.push_back(linked.count(label(int(peak))) > 0);
  return found;
}

/// The poses without limbs that are too long for them; connections lose those limbs.
inline Poses cut_overlong(std::vector<Connection>& connections, Poses poses, const Peaks& peaks, const Model& model) {
  constexpr int rounds = 3;
  const auto size = measure_limbs(connections, peaks, model);
  std::vector<bool> cut(connections.size(), false);
  std::vector<int> left(connections.size());
  std::iota(left.begin(), left.end(), 0);
  for (int round = 0; round < rounds; round++) {
    std::vector<int> inner, pose;
    std::vector<double> sizes;
    for (const int c : left) {
      if (poses.of[connections[c].start] != poses.of[connections[c].end]) continue;
      inner.push_back(c);
      sizes.push_back(size[c]);
      pose.push_back(poses.of[connections[c].start]);
    }
    const auto overlong = find_overlong(sizes, pose);
    std::set<int> hurt;
    for (size_t i = 0; i < inner.size(); i++)
      if (overlong[i]) {
        cut[inner[i]] = true;
        hurt.insert(pose[i]);
      }
    if (hurt.empty()) break;
    const auto again = find_linked(poses, hurt, connections);
    left.clear();
    std::vector<Connection> rest;
    for (size_t c = 0; c < connections.size(); c++)
      if (again[connections[c].start] && !cut[c]) {
        left.push_back(int(c));
        rest.push_back(connections[c]);
      }
    const Poses fresh = connect(rest, peaks.kind);
    for (size_t peak = 0; peak < poses.of.size(); peak++)
      if (again[peak]) poses.of[peak] = fresh.of[peak] < 0 ? -1 : fresh.of[peak] + poses.count;
    poses.count += fresh.count;
  }
  std::vector<Connection> kept;
  for (size_t c = 0; c < connections.size(); c++)
    if (!cut[c]) kept.push_back(connections[c]);
  connections = kept;
  return poses;
}

}  // namespace detail

/// Join connections to people, best first.
inline std::vector<Person> assemble(std::vector<Connection> connections, const Peaks& peaks, const Model& model) {
  auto poses = detail::connect(connections, peaks.kind);
  if (model.has_prior) poses = detail::cut_overlong(connections, std::move(poses), peaks, model);
  struct Group {
    std::vector<int> peak;  // by keypoint, -1 where not found
    int limbs = 0;
    double total = 0;
  };
  std::vector<Group> groups(poses.count, Group{std::vector<int>(model.keypoints.size(), -1)});
  for (const auto& one : connections) {
    const int pose = poses.of[one.start];
    if (pose < 0 || pose != poses.of[one.end]) continue;
    groups[pose].limbs++;
    groups[pose].total += one.score;
  }
  for (size_t peak = 0; peak < poses.of.size(); peak++)
    if (poses.of[peak] >= 0) groups[poses.of[peak]].peak[peaks.kind[peak]] = int(peak);
  groups.erase(std::remove_if(groups.begin(), groups.end(), [](const Group& one) { return !one.limbs; }), groups.end());
  const auto place = [&](const Group& group) {
    Places places;
    for (const int peak : group.peak) {
      places.push_back(peak < 0 ? NAN : peaks.x[peak]);
      places.push_back(peak < 0 ? NAN : peaks.y[peak]);
    }
    return places;
  };
  if (model.has_prior && groups.size() > 1) {
    std::vector<Places> all;
    for (const auto& group : groups) all.push_back(place(group));
    const auto first = detail::find_parts(all, model);
    for (size_t other = 0; other < groups.size(); other++) {
      const size_t one = first[other];
      if (one == other) continue;
      for (size_t k = 0; k < groups[one].peak.size(); k++)
        groups[one].peak[k] = std::max(groups[one].peak[k], groups[other].peak[k]);
      groups[one].total += groups[other].total;
      groups[one].limbs += groups[other].limbs;
      groups[other].peak.assign(groups[other].peak.size(), -1);
    }
  }
  std::vector<Person> people;
  for (const auto& group : groups) {
    const auto found = std::count_if(group.peak.begin(), group.peak.end(), [](int peak) { return peak >= 0; });
    if (found < std::max(model.options.min_keypoints, 1)) continue;
    Person person{place(group), {}, 0};
    for (const int peak : group.peak)
      person.heights.push_back(peak < 0 ? 0 : std::clamp(peaks.score[peak], 0.f, 1.f));
    person.limb_score =
        std::sqrt(float(group.total) / std::sqrt(float(group.limbs * double(model.limbs.size()))));
    people.push_back(std::move(person));
  }
  std::stable_sort(people.begin(), people.end(),
                   [](const Person& a, const Person& b) { return a.limb_score > b.limb_score; });
  return people;
}

}  // namespace nimblepose
