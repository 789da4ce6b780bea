# Shortens the output of "go test -v": keeps package lines, failures with what
# they said, and skips with their reasons, which are listed at the end.

function reason(text) {
	gsub(/\n/, " ", text)
	gsub(/ +/, " ", text)
	sub(/ +$/, "", text)
	sub(/^ ?[^ ]+\.go:[0-9]+: /, "", text)
	return text == "" ? "no reason given" : text
}

function endPackage(name, i) {
	for (i = 1; i <= waiting; i++) {
		key = name ": " why[i]
		if (!(key in times)) { order[++reasons] = key; first[key] = who[i] }
		times[key]++
	}
	waiting = 0
	test = ""
	trace = 0
	split("", said)
}

trace && !/^FAIL/ { print; next }
/^=== / { test = $3; next }
/^ *--- PASS: / { passed++; delete said[$3]; next }
/^ *--- SKIP: / { skipped++; who[++waiting] = $3; why[waiting] = reason(said[$3]); delete said[$3]; next }
/^ *--- FAIL: / { failed++; print; printf "%s", said[$3]; delete said[$3]; next }
/^PASS$/ { next }
/^panic: |^fatal error: |^WARNING: DATA RACE/ { printf "%s", said[test]; trace = 1 }
/^(ok|FAIL|---)[ \t]/ { print; endPackage($2); next }
/^\?/ { print; next }
test != "" && /^    / { said[test] = said[test] $0 "\n"; next }
{ print }

END {
	for (i = 1; i <= reasons; i++)
		printf "skipped %d in %s (first: %s)\n", times[order[i]], order[i], first[order[i]]
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
}
