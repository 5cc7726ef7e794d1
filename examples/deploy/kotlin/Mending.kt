// What limbs alone cannot tell: limbs that are too long, and parts of one person.
package nimblepose

/** x and y of K keypoints, NaN where not found. */
typealias Places = FloatArray

private const val TOO_LONG = 2.5 // times the middle size of a pose's limbs
private const val FAR_TOO_LONG = 6.0 // times that of the lowest quarter
private const val ANYWHERE = 0.5 // variance of a pose's place
private const val EXACT = 5e-4 // of found keypoints
private const val ONE_PERSON = 1.0
private const val MOST_PAIRS = 12

/** How large a pose each connection speaks for. */
fun measureLimbs(connections: List<Connection>, peaks: List<Peak>, model: Model, prior: Prior) = connections.map {
    val (a, b) = model.limbs[it.limb]
    val dx = peaks[it.start].x - peaks[it.end].x
    val dy = peaks[it.start].y - peaks[it.end].y
    Math.hypot(dx.toDouble(), dy.toDouble()) / prior.distances[a][b]
}

/** Which limbs are longer than any limb of a pose of that size. */
fun findOverlong(size: List<Double>, pose: List<Int>): List<Boolean> {
    val most = size.indices.groupBy { pose[it] }.mapValues { (_, limbs) ->
        val sizes = limbs.map { size[it] }.sorted()
        Math.min(TOO_LONG * sizes[(sizes.size - 1) / 2], FAR_TOO_LONG * sizes[(sizes.size - 1) / 4])
    }
    return size.indices.map { size[it] > most.getValue(pose[it]) }
}

/** Logarithm of the ratio of the densities of two parts as one pose and as two; above 0: likelier one. */
fun compare(prior: Prior, one: Places, other: Places): Double {
    val both = Places(one.size) { if (one[it].isNaN()) other[it] else one[it] }
    val there = both.indices.filter { !both[it].isNaN() }
    val box = measurePart(both)
    val size = Math.max(box.extent, 1e-3)
    val middle = (0..1).map { axis -> there.filter { it % 2 == axis }.map { both[it].toDouble() }.average() }
    val off = { i: Int -> (both[i] - middle[i % 2]) / size - prior.mean[i / 2][i % 2] }
    val theirs = other.indices.filter { !other[it].isNaN() }
    val ours = one.indices.filter { !one[it].isNaN() }
    val given = measureDensities(prior, ours + theirs, off)
    return given.drop(ours.size).sum() - measureDensities(prior, theirs, off).sum()
}

/** Of each coordinate given those before it, without the constant factor. */
private fun measureDensities(prior: Prior, coordinates: List<Int>, off: (Int) -> Double): List<Double> {
    val lower = coordinates.indices.map { DoubleArray(it + 1) }
    val white = DoubleArray(coordinates.size)
    return coordinates.mapIndexed { i, a ->
        val row = lower[i]
        for (j in 0..i) {
            val b = coordinates[j]
            var value = prior.covariance[a][b] + (if (a % 2 == b % 2) ANYWHERE else 0.0) + if (a == b) EXACT else 0.0
            for (k in 0 until j) value -= row[k] * lower[j][k]
            row[j] = if (j < i) value / lower[j][j] else Math.sqrt(value)
        }
        var value = off(a)
        for (k in 0 until i) value -= row[k] * white[k]
        white[i] = value / row[i]
        -white[i] * white[i] / 2 - Math.log(row[i])
    }
}

/** Middle and diagonal of the box of a pose; NaN of nobody. */
private class Part(val x: Double, val y: Double, val extent: Double)

private fun measurePart(pose: Places): Part {
    val low = doubleArrayOf(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY)
    val high = doubleArrayOf(Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY)
    for (i in pose.indices) if (!pose[i].isNaN()) {
        low[i % 2] = Math.min(low[i % 2], pose[i].toDouble())
        high[i % 2] = Math.max(high[i % 2], pose[i].toDouble())
    }
    if (low[0] > high[0]) return Part(Double.NaN, Double.NaN, Double.NaN)
    return Part((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, Math.hypot(high[0] - low[0], high[1] - low[1]))
}

/** Poses that are parts of one person: of each the index of the first part. */
fun findParts(poses: List<Places>, model: Model, prior: Prior): List<Int> {
    val kinds = poses.map { pose -> model.keypoints.indices.filter { !pose[2 * it].isNaN() } }
    fun areApart(i: Int, j: Int) = kinds[i].none { a -> kinds[j].any { b -> model.relations[a][b] } }
    val some = poses.indices.filter { i -> poses.indices.any { areApart(i, it) } }
    val first = poses.indices.toMutableList()
    val places = some.map { poses[it].copyOf() }
    val apart = some.map { i -> BooleanArray(some.size) { areApart(i, some[it]) } }
    var fresh = some.indices.toList() // poses whose pairs have not been looked at
    while (fresh.any { i -> apart[i].any { it } }) {
        val pairs = choosePairs(places, apart, fresh, prior)
        if (pairs.isEmpty()) break
        val fits = pairs.map { Pair(compare(prior, places[it.first], places[it.second]), it) }
        val joined = sortedMapOf<Int, Int>()
        val taken = mutableSetOf<Int>()
        for ((_, pair) in fits.filter { it.first > ONE_PERSON }.sortedByDescending { it.first }) {
            if (pair.first in taken || pair.second in taken) continue
            joined[pair.first] = pair.second
            taken.addAll(pair.toList())
        }
        fresh = joined.keys.toList()
        for ((one, other) in joined) {
            for (i in first.indices) if (first[i] == some[other]) first[i] = some[one]
            for (i in places[one].indices) if (places[one][i].isNaN()) places[one][i] = places[other][i]
            places[other].fill(Float.NaN)
        }
        for ((one, other) in joined) for (j in some.indices) apart[one][j] = apart[one][j] && apart[other][j]
        val before = apart.map { it.copyOf() }
        for ((one, other) in joined) for (i in some.indices) apart[i][one] = before[i][one] && before[i][other]
        for (other in joined.values) {
            apart[other].fill(false)
            for (row in apart) row[other] = false
        }
    }
    return first
}

/** Pairs that are about where they should be, the lower index first. */
private fun choosePairs(
    places: List<Places>,
    apart: List<BooleanArray>,
    fresh: List<Int>,
    prior: Prior
): List<Pair<Int, Int>> {
    val parts = places.map { measurePart(it) }
    val usual = places.map { pose ->
        measurePart(Places(pose.size) { if (pose[it].isNaN()) Float.NaN else prior.mean[it / 2][it % 2].toFloat() })
    }
    val found = mutableListOf<Pair<Double, Pair<Int, Int>>>()
    for (i in fresh) for (j in places.indices) {
        if (!apart[i][j] || (i >= j && j in fresh)) continue
        val dx = parts[j].x - parts[i].x
        val dy = parts[j].y - parts[i].y
        val reach = parts[i].extent + parts[j].extent
        if (!(dx * dx + dy * dy < 1.44f * reach * reach)) continue
        val sizes = listOf(i, j).map { parts[it].extent / Math.max(usual[it].extent, 1e-3) }
        val larger = Math.max(sizes[0], sizes[1])
        val by = Math.max(larger, 1e-3)
        val off = Math.hypot(dx / by - (usual[j].x - usual[i].x), dy / by - (usual[j].y - usual[i].y))
        if (off < 0.35 && larger < 4 * Math.min(sizes[0], sizes[1])) {
            found.add(Pair(off, Pair(Math.min(i, j), Math.max(i, j))))
        }
    }
    return found.sortedBy { it.first }.take(MOST_PAIRS).map { it.second }
}
