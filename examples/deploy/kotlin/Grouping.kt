// Limbs to people: each joins two keypoints, the surest first.
package nimblepose

/** In cells; heights are those of the peaks of keypoints, 0 where not found. */
class Person(val keypoints: Places, val heights: FloatArray, val limbScore: Float)

/** Of each limb, give every peak to the best of the candidates that want it; the best first. */
fun matchLimbs(candidates: List<Connection>): List<Connection> {
    val starts = mutableSetOf<Pair<Int, Int>>()
    val ends = mutableSetOf<Pair<Int, Int>>()
    return candidates.sortedByDescending { it.score }.filter {
        val free = Pair(it.limb, it.start) !in starts && Pair(it.limb, it.end) !in ends
        if (free) {
            starts.add(Pair(it.limb, it.start))
            ends.add(Pair(it.limb, it.end))
        }
        free
    }
}

/** Join connections to people, best first. */
fun assemble(matched: List<Connection>, peaks: List<Peak>, model: Model): List<Person> {
    val prior = model.prior
    var poses = connect(matched, peaks)
    var connections = matched
    if (prior != null) {
        val cut = cutOverlong(matched, poses, peaks, model, prior)
        poses = cut.first
        connections = cut.second
    }
    val all = List(poses.count) { Group(IntArray(model.keypoints.size) { -1 }) }
    for (one in connections) {
        val pose = poses.of[one.start]
        if (pose < 0 || pose != poses.of[one.end]) continue
        all[pose].limbs++
        all[pose].total += one.score
    }
    for (peak in peaks.indices) if (poses.of[peak] >= 0) all[poses.of[peak]].peak[peaks[peak].kind] = peak
    val groups = all.filter { it.limbs > 0 }
    if (prior != null && groups.size > 1) {
        findParts(groups.map { it.place(peaks) }, model, prior).forEachIndexed { other, one ->
            if (one != other) groups[one].take(groups[other])
        }
    }
    return groups.filter { group -> group.peak.count { it >= 0 } >= Math.max(model.options.minKeypoints, 1) }
        .map { group ->
            val heights = FloatArray(group.peak.size) { k ->
                if (group.peak[k] < 0) 0f else Math.min(Math.max(peaks[group.peak[k]].score, 0f), 1f)
            }
            val most = Math.sqrt(group.limbs.toDouble() * model.limbs.size).toFloat()
            Person(group.place(peaks), heights, Math.sqrt((group.total.toFloat() / most).toDouble()).toFloat())
        }.sortedByDescending { it.limbScore }
}

private class Group(val peak: IntArray, var limbs: Int = 0, var total: Double = 0.0) {
    fun place(peaks: List<Peak>) = Places(2 * peak.size) {
        val one = peak[it / 2]
        if (one < 0) Float.NaN else if (it % 2 == 0) peaks[one].x else peaks[one].y
    }

    fun take(other: Group) {
        for (k in peak.indices) peak[k] = Math.max(peak[k], other.peak[k])
        total += other.total
        limbs += other.limbs
        other.peak.fill(-1)
    }
}

/** Which pose each peak belongs to, -1 where none. */
private class Poses(val of: IntArray, val count: Int)

/** Two poses that turn out to be one person are merged. */
private fun connect(connections: List<Connection>, peaks: List<Peak>): Poses {
    val of = IntArray(peaks.size) { -1 }
    val members = mutableListOf<MutableList<Int>>()
    fun has(pose: Int) = members[pose].map { peaks[it].kind }
    for (connection in connections) {
        val a = connection.start
        val b = connection.end
        val one = of[a]
        val other = of[b]
        if (one < 0 && other < 0) {
            of[a] = members.size
            of[b] = members.size
            members.add(mutableListOf(a, b))
        } else if (one < 0 || other < 0) {
            val (pose, peak) = if (other < 0) Pair(one, b) else Pair(other, a)
            if (peaks[peak].kind in has(pose)) continue
            members[pose].add(peak)
            of[peak] = pose
        } else if (one != other && has(other).none { it in has(one) }) {
            for (member in members[other]) of[member] = one
            members[one].addAll(members[other])
            members[other].clear()
        }
    }
    return Poses(of, members.size)
}

/** Which peaks are of chosen poses, or of those that connections lead to from there, however many. */
private fun findLinked(poses: Poses, chosen: Set<Int>, connections: List<Connection>): List<Boolean> {
    val linked = chosen.toMutableSet()
    fun label(peak: Int) = if (poses.of[peak] < 0) -1 - peak else poses.of[peak]
    do {
        val before = linked.size
        for (one in connections) {
            val ends = listOf(label(one.start), label(one.end))
            if (ends.any { it in linked }) linked.addAll(ends)
        }
    } while (linked.size > before)
    return poses.of.indices.map { label(it) in linked }
}

/** The poses without limbs that are too long for them, and the connections without those limbs. */
private fun cutOverlong(
    connections: List<Connection>,
    joined: Poses,
    peaks: List<Peak>,
    model: Model,
    prior: Prior
): Pair<Poses, List<Connection>> {
    val size = measureLimbs(connections, peaks, model, prior)
    val cut = BooleanArray(connections.size)
    var poses = joined
    var left = connections.indices.toList()
    for (round in 1..3) {
        val inner = left.filter { poses.of[connections[it].start] == poses.of[connections[it].end] }
        val pose = inner.map { poses.of[connections[it].start] }
        val overlong = findOverlong(inner.map { size[it] }, pose)
        if (overlong.none { it }) break
        inner.forEachIndexed { i, c -> if (overlong[i]) cut[c] = true }
        val again = findLinked(poses, pose.filterIndexed { i, _ -> overlong[i] }.toSet(), connections)
        left = connections.indices.filter { again[connections[it].start] && !cut[it] }
        val fresh = connect(left.map { connections[it] }, peaks)
        val of = IntArray(peaks.size) {
            if (!again[it]) poses.of[it] else if (fresh.of[it] < 0) -1 else fresh.of[it] + poses.count
        }
        poses = Poses(of, poses.count + fresh.count)
    }
    return Pair(poses, connections.filterIndexed { c, _ -> !cut[c] })
}
