"""`observatory verify`: is the state still what its files, hashes, runs and facts say?"""
